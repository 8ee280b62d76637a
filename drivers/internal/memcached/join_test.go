package memcached

import (
	"errors"
	"io"
	"testing"
)

func TestJoin(t *testing.T) {
	if err := Join([]error{nil, nil}); err != nil {
		t.Errorf("no errors: %v", err)
	}
	if err := Join([]error{nil, io.EOF, nil}); err != io.EOF {
		t.Errorf("one error: %v", err)
	}
	err := Join([]error{io.EOF, nil, io.ErrNoProgress})
	if !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("two errors: %v", err)
	}
}

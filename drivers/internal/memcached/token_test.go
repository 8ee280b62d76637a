package memcached

import (
	"errors"
	"math"
	"testing"
)

func TestToken(t *testing.T) {
	for _, id := range []uint64{1, math.MaxUint64} {
		token, err := NewToken(id)
		if err != nil {
			t.Errorf("%d: %v", id, err)
		}
		if got, err := CASID(token); err != nil || got != id {
			t.Errorf("the token of %d is %d, %v", id, got, err)
		}
	}
	if _, err := NewToken(0); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a server without CAS: %v, want ErrUnsupported", err)
	}
	for _, token := range []any{nil, Token(0), uint64(1), 1, "1"} {
		if id, err := CASID(token); err != ErrForeignToken {
			t.Errorf("%#v: %d, %v; want ErrForeignToken", token, id, err)
		}
	}
}

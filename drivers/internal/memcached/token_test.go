package memcached

import (
	"errors"
	"math"
	"testing"
)

func TestToken(t *testing.T) {
	for _, cas := range []uint64{1, math.MaxUint64} {
		token, err := NewToken(cas, 7)
		if err != nil {
			t.Errorf("the token of id %d: error %v", cas, err)
		}
		if got, err := ParseToken(token); err != nil || got.CAS != cas || got.Epoch != 7 {
			t.Errorf("the token of id %d and epoch 7 is read as %+v, error %v", cas, got, err)
		}
	}
	if _, err := NewToken(0, 7); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("the token of a server without CAS ids: error %v, want one that matches ErrUnsupported", err)
	}
	for _, token := range []any{nil, Token{}, Token{Epoch: 1}, uint64(1), 1, "1"} {
		if got, err := ParseToken(token); err != ErrForeignToken {
			t.Errorf("the token %#v is read as %+v, error %v; want ErrForeignToken", token, got, err)
		}
	}
}

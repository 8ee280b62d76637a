package memcached

import (
	"errors"
	"fmt"

	"github.com/larder-go/larder/drivers/internal/epoch"
)

// Token identifies the state of an item, in the form that cache items carry: the CAS id
// that the server gave it, and the epoch in which it was read, since ids begin again when
// the server is restarted. Ids are those of one server, and a key is always on the same.
type Token struct {
	CAS   uint64
	Epoch epoch.Number
}

var (
	// ErrNoCAS is returned for a server that gives every item the id 0, so that
	// nothing can be told apart: a swap with it would be without a condition.
	ErrNoCAS = fmt.Errorf("the server keeps no CAS ids (memcached -C), which this operation needs: %w", errors.ErrUnsupported)

	// ErrForeignToken is returned for a token that this driver did not make.
	ErrForeignToken = errors.New("the token is not one of this driver")
)

// NewToken returns the token of an item with that CAS id, which was read in epoch e.
func NewToken(cas uint64, e epoch.Number) (Token, error) {
	if cas == 0 {
		return Token{}, ErrNoCAS
	}
	return Token{cas, e}, nil
}

// ParseToken returns the token that an item carries. Its CAS id is never 0.
func ParseToken(token any) (Token, error) {
	t, ok := token.(Token)
	if !ok || t.CAS == 0 {
		return Token{}, ErrForeignToken
	}
	return t, nil
}

package memcached

import (
	"errors"
	"fmt"
)

// Token is the CAS id of an item, in the form that cache items carry. Ids are those of
// one server, and a key is always on the same.
type Token uint64

var (
	// ErrNoCAS is a server that gives every item the id 0, so that nothing could be
	// told apart: a swap with it would be without a condition.
	ErrNoCAS = fmt.Errorf("the server keeps no CAS ids (memcached -C): %w", errors.ErrUnsupported)

	// ErrForeignToken is a mistake of the caller.
	ErrForeignToken = errors.New("the token is not one of this driver")
)

// NewToken makes a token of the CAS id that the server gave.
func NewToken(id uint64) (Token, error) {
	if id == 0 {
		return 0, ErrNoCAS
	}
	return Token(id), nil
}

// CASID returns the CAS id that a token stands for, never 0.
func CASID(token any) (uint64, error) {
	id, ok := token.(Token)
	if !ok || id == 0 {
		return 0, ErrForeignToken
	}
	return uint64(id), nil
}

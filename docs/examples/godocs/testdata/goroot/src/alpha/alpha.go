// Package alpha is what others build on.
//
// It mentions [Thing] & <script>alert("no")</script>.
//
// # Use
//
// A field, [Thing.Name]; a method, [Thing.Size]; and [alpha] itself.
//
// # Use
//
// A heading like another.
package alpha

import "unsafe"

// Sizes of things.
const (
	Small = 1 // the least
	Large = 1 << 20
)

// ErrOdd is for things that are odd.
var ErrOdd error

// A Thing is any thing.
type Thing struct {
	Name string

	hidden unsafe.Pointer
}

// NewThing makes a [Thing].
func NewThing(name string) *Thing { return &Thing{Name: name} }

// Size returns [Small] or [Large].
func (t *Thing) Size() int { return Small }

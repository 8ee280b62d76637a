// Package beta uses alpha under another name.
package beta

import (
	a "alpha"

	"golang.org/x/outside"
)

// Wrap hands on a thing.
func Wrap(t *a.Thing, o outside.Option) *a.Thing { return t }

// Package outside comes from elsewhere.
package outside

import "alpha"

// Option is a choice.
type Option alpha.Thing

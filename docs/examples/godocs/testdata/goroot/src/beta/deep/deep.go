// Package deep uses beta, and so alpha only through it.
package deep

import "beta"

// Call calls.
var Call = beta.Wrap

// Package gamma uses what is hidden, and alpha in its tests only.
package gamma

import "internal/hidden"

// Secret is not for everyone.
const Secret = hidden.Secret

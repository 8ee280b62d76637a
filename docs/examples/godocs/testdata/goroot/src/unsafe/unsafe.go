// Package unsafe has no rules.
package unsafe

// Pointer points anywhere.
type Pointer *int

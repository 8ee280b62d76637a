// Package hidden cannot be imported by programs.
package hidden

// Secret is a number.
const Secret = 7

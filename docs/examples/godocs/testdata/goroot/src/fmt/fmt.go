// Package fmt prints.
package fmt

// Println prints a line.
func Println(a ...any) {}

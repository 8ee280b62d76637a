//go:build race

// Package race tells tests whether the race detector is on. It allocates on its own,
// so that counts of allocations mean nothing under it.
package race

// Enabled reports whether the race detector is compiled in.
const Enabled = true

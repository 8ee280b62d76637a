//go:build !race

// Package race reports to tests whether the race detector is on. The detector allocates, so
// counts of allocations mean nothing under it.
package race

// Enabled reports whether the race detector is compiled in.
const Enabled = false

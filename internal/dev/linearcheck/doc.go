// Package linearcheck is a test: it runs many goroutines on a cache in memory, writes
// down when each operation began and ended and what it answered, and lets the checker
// porcupine (github.com/anishathalye/porcupine) look for an order of the operations,
// one after the other, that explains the answers. It is a module of its own, so that
// no user of larder ever depends on the checker.
package linearcheck

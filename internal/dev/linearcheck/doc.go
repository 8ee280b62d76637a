// Package linearcheck tests that a cache in memory, and one on memcached, Valkey or Redis, is
// linearizable. Many goroutines call it, and the test records when each call began and ended
// and what it returned. Then the checker porcupine (github.com/anishathalye/porcupine) looks
// for an order of the calls, one after the other, that explains the results.
//
// It is a separate module, so that users of larder do not depend on the checker.
package linearcheck

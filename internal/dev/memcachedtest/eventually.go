package memcachedtest

import (
	"testing"
	"time"
)

// patience bounds the waits of this package. It is generous: it is reached only when
// something is wrong, and the machine may be busy.
const patience = 20 * time.Second

// Eventually polls until ok, for what happens a little later than the call that
// causes it; it fails the test if that takes unreasonably long.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after %v: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

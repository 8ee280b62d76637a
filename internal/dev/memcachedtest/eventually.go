package memcachedtest

import (
	"testing"
	"time"
)

// patience bounds the waits of this package. It is generous: it is reached only when
// something is wrong, and the machine may be busy.
const patience = time.Minute

// Eventually polls until ok returns true, for effects that come a little later than the
// call. It fails the test if that takes too long.
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

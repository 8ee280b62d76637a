package gomemcache

import "testing"

// AlwaysCheckIdle has connections looked at before every use, however short the time
// since the last one, until the test ends. Tests that use it are not parallel.
func AlwaysCheckIdle(t *testing.T) {
	before := idleCheck
	idleCheck = -1
	t.Cleanup(func() { idleCheck = before })
}

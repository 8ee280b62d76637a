//go:build unix

package memcachedtest

import (
	"os"
	"strconv"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest/servertest"
)

var _ servertest.ConnectionCounter = (*Server)(nil)

// RestartsEnv is the environment variable that sets how many times servers are restarted
// to test that tokens end with them: thousands, for a soak.
const RestartsEnv = "LARDER_TEST_RESTARTS"

// Faults returns the options for package servertest on memcached.
func Faults(t *testing.T, open func(t *testing.T, c servertest.Config) *cache.Cache) servertest.Options {
	o := servertest.Options{
		Open:  open,
		Start: func(t *testing.T) servertest.Server { return Start(t, "tcp") },
		StartLimited: func(t *testing.T, connections int) servertest.Server {
			return Start(t, "tcp", "-c", strconv.Itoa(connections), "-t", "1")
		},
		TooLarge: 2 << 20,
	}
	if s := os.Getenv(RestartsEnv); s != "" {
		var err error
		if o.Restarts, err = strconv.Atoi(s); err != nil {
			t.Fatalf("memcachedtest: %s: %v", RestartsEnv, err)
		}
	}
	return o
}

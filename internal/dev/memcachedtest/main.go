package memcachedtest

import (
	"flag"
	"log"
	"os"
	"testing"
)

// Main is the TestMain of a driver. It lets many tests run in parallel: those that do wait for
// items to expire or for servers to take over, which takes time and no processor, of which
// there may be two.
func Main(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

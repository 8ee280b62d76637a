//go:build unix

package memcachedtest

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
)

// NameMoves tests what a driver does when the name of a server changes its address while the old
// server is still up: once a connection to the new address is made, those to the old one are
// closed. The open function opens a cache that keeps many connections.
func NameMoves(t *testing.T, names *Names, open func(t *testing.T, server string) *cache.Cache) {
	const name, atOnce = "moving.test", 8
	other := OtherLoopback(t)
	old := Start(t, "tcp")
	at, err := netip.ParseAddrPort(old.Addr())
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(old.Addr())
	successor := StartAt(t, net.JoinHostPort(other, port))
	names.Set(name, at.Addr())
	c := open(t, net.JoinHostPort(name, port))
	for s, value := range map[*Server]string{old: "old", successor: "new"} {
		if err := open(t, s.Addr()).Set(t.Context(), "k", []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	// read counts the values that n concurrent gets return.
	read := func(n int) map[string]int {
		values := make([]string, n)
		var wg sync.WaitGroup
		for i := range values {
			wg.Go(func() {
				v, err := c.Get(t.Context(), "k")
				if err != nil {
					t.Error(err)
				}
				values[i] = string(v)
			})
		}
		wg.Wait()
		counts := map[string]int{}
		for _, v := range values {
			counts[v]++
		}
		return counts
	}
	direct := 1 // the connection of the cache that stored the value
	Eventually(t, "there are several connections", func() bool {
		read(atOnce)
		return old.Connections() >= direct+2
	})
	names.Set(name, netip.MustParseAddr(other))
	Eventually(t, "more callers at once than connections reach the new address", func() bool {
		return read(4 * atOnce)["new"] > 0
	})
	if counts := read(4 * atOnce); counts["old"] > 0 {
		t.Errorf("%v; want all from the new address", counts)
	}
	Eventually(t, "the connections to the old address are closed", func() bool { return old.Connections() <= direct })
}

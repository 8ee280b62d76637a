package memcachedtest_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

var names = memcachedtest.ReplaceResolver()

func TestNames(t *testing.T) {
	for _, a := range []string{"192.0.2.1", "192.0.2.2"} {
		want := netip.MustParseAddr(a)
		names.Set("cache.test", want)
		got, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip", "cache.test")
		for i := range got {
			got[i] = got[i].Unmap()
		}
		if err != nil || !slices.Equal(got, []netip.Addr{want}) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
	_, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip", "no-such-host.invalid")
	var e *net.DNSError
	if !errors.As(err, &e) || !e.IsNotFound {
		t.Errorf("got %v, want an error that says there is no such host", err)
	}
}

package gomemcache

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
)

func keysForTest() []string {
	keys := []string{"user:1", "mk:order:100:", "mk:order:100:1", "ж", strings.Repeat("k", 250)}
	for i := range 2000 {
		keys = append(keys, fmt.Sprintf("key:%d:%x", i, i*i))
	}
	return keys
}

func TestDistributionOfTheLibrary(t *testing.T) {
	addrs := []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4", "127.0.0.1:5"}
	for n := 1; n <= len(addrs); n++ {
		var list memcache.ServerList
		if err := list.SetServers(addrs[:n]...); err != nil {
			t.Fatal(err)
		}
		d, err := newCluster(Config{Servers: addrs[:n]})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keysForTest() {
			want, err := list.PickServer(key)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.pick(key).Addr(); got != want.String() {
				t.Errorf("%d servers, key %q: on %s, by the library on %s", n, key, got, want)
			}
		}
	}
	// A server listed three times, there, is one of weight 3 here.
	var list memcache.ServerList
	if err := list.SetServers(addrs[0], addrs[1], addrs[1], addrs[1]); err != nil {
		t.Fatal(err)
	}
	d, err := newCluster(Config{Servers: []string{addrs[0], addrs[1] + ":3"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keysForTest() {
		want, err := list.PickServer(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.pick(key).Addr(); got != want.String() {
			t.Errorf("weights 1, 3, key %q: on %s, by the library on %s", key, got, want)
		}
	}
}

package gomemcache

import (
	"fmt"
	"hash/crc32"
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
		d, err := newDriver(Config{Servers: addrs[:n]})
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keysForTest() {
			want, err := list.PickServer(key)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.pick(key).addr; got != want.String() {
				t.Errorf("%d servers, key %q: on %s, by the library on %s", n, key, got, want)
			}
		}
	}
	// A server listed three times, there, is one of weight 3 here.
	var list memcache.ServerList
	if err := list.SetServers(addrs[0], addrs[1], addrs[1], addrs[1]); err != nil {
		t.Fatal(err)
	}
	d, err := newDriver(Config{Servers: []string{addrs[0], addrs[1] + ":3"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keysForTest() {
		want, err := list.PickServer(key)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.pick(key).addr; got != want.String() {
			t.Errorf("weights 1, 3, key %q: on %s, by the library on %s", key, got, want)
		}
	}
}

// The worked example for python-memcached: positions of keys over three servers.
func TestDistributionOfPythonMemcached(t *testing.T) {
	plain := []string{"10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11212"}
	weighted := []string{"10.0.0.1:11211:1", "10.0.0.2:11211:2", "10.0.0.3:11212:5"}
	for _, tt := range []struct {
		servers []string
		want    map[string]int
	}{
		{plain, map[string]int{"user:1": 0, "mk:order:100:": 2, "mk:order:100:1": 1, "ж": 1}},
		{weighted, map[string]int{"user:1": 2, "mk:order:100:": 2, "mk:order:100:1": 2, "ж": 2}},
	} {
		d, err := newDriver(Config{Servers: tt.servers, Distribution: DistributionPythonMemcached})
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range tt.want {
			if got := d.pick(key); got != d.servers[want] {
				t.Errorf("%v, key %q: on %s, want number %d", tt.servers, key, got.addr, want)
			}
		}
	}
}

func TestHashPythonMemcachedIsNotZero(t *testing.T) {
	for i := 0; ; i++ {
		key := fmt.Sprint(i)
		if crc32.ChecksumIEEE([]byte(key))>>16&0x7fff == 0 {
			if h := hashPythonMemcached(key); h != 1 {
				t.Errorf("key %s: hash %d, want 1 in place of 0", key, h)
			}
			return
		}
	}
}

func TestChecksum(t *testing.T) {
	for _, key := range keysForTest() {
		if got, want := checksum(key), crc32.ChecksumIEEE([]byte(key)); got != want {
			t.Errorf("%q: %08x, want %08x", key, got, want)
		}
	}
}

package distribution

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// TestPythonMemcached: the worked example of python-memcached over three servers.
func TestPythonMemcached(t *testing.T) {
	for _, tt := range []struct {
		weights [3]int
		want    map[string]int
	}{
		{[3]int{1, 1, 1}, map[string]int{"user:1": 0, "mk:order:100:": 2, "mk:order:100:1": 1, "ж": 1}},
		{[3]int{1, 2, 5}, map[string]int{"user:1": 2, "mk:order:100:": 2, "mk:order:100:1": 2, "ж": 2}},
	} {
		servers := equalServers(3)
		for i, w := range tt.weights {
			servers[i].Weight = w
		}
		d, err := New(PythonMemcached, servers)
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range tt.want {
			if got := d.Pick(key); got != want {
				t.Errorf("weights %v, key %q: on server %d, want %d", tt.weights, key, got, want)
			}
		}
	}
}

// TestGomemcache: the server is the checksum modulo the number of buckets. The driver
// compares it with the library itself.
func TestGomemcache(t *testing.T) {
	servers := []memcached.Server{{Host: "a", Port: 1, Weight: 1}, {Host: "b", Port: 1, Weight: 3}}
	d, err := New(Gomemcache, servers)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		key := fmt.Sprint("key:", i)
		if got, want := d.Pick(key), int(min(1, crc32.ChecksumIEEE([]byte(key))%4)); got != want {
			t.Errorf("%s: on server %d, want %d", key, got, want)
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
	for _, key := range []string{"", "user:1", "ж", strings.Repeat("k", 250)} {
		if got, want := checksum(key), crc32.ChecksumIEEE([]byte(key)); got != want {
			t.Errorf("%q: %08x, want %08x", key, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	for name, want := range map[string]string{"": "a", "a": "a", "b": "b"} {
		if got, err := Choose(name, "a", "b"); err != nil || got != want {
			t.Errorf("Choose(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := Choose("c", "a", "b"); err == nil || !strings.Contains(err.Error(), "want one of a, b") {
		t.Errorf("Choose of an unknown name: error %v, want one that lists a and b", err)
	}
	if _, err := New("c", equalServers(1)); err == nil {
		t.Error("New of an unknown name: no error")
	}
}

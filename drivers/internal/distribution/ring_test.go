package distribution

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

type vectors struct {
	Keys   []string
	Hashes map[string][]uint32
	Sets   []struct {
		Name    string
		Mode    string
		Servers []struct {
			Host   string
			Port   int
			Unix   string
			Weight int
		}
		Index []int
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/ketama.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHashes(t *testing.T) {
	v := readVectors(t)
	for name, hash := range map[string]func(string) uint32{"one_at_a_time": oneAtATime, "md5": md5Hash} {
		want := v.Hashes[name]
		if len(want) != len(v.Keys) {
			t.Fatalf("%s: %d hashes for %d keys", name, len(want), len(v.Keys))
		}
		for i, key := range v.Keys {
			if got := hash(key); got != want[i] {
				t.Errorf("%s(%q) = %08x, want %08x", name, key, got, want[i])
			}
		}
	}
}

var rings = []string{Ketama, KetamaWeighted, KetamaMD5}

// TestVectors: libmemcached is the oracle.
func TestVectors(t *testing.T) {
	v := readVectors(t)
	seen := map[string]int{}
	for _, set := range v.Sets {
		seen[set.Mode]++
		t.Run(set.Name, func(t *testing.T) {
			var servers []memcached.Server
			for _, s := range set.Servers {
				servers = append(servers, memcached.Server{Host: s.Host, Port: s.Port, Path: s.Unix, Weight: s.Weight})
			}
			r, err := New(set.Mode, servers)
			if err != nil {
				t.Fatal(err)
			}
			for i, key := range v.Keys {
				if got := r.Pick(key); got != set.Index[i] {
					t.Errorf("%q is on server %d, want %d", key, got, set.Index[i])
				}
			}
		})
	}
	if seen["ketama"] != 31 || seen["ketama_weighted"] != 31 || seen["ketama_md5"] != 3 {
		t.Errorf("sets of vectors: %v; some are missing", seen)
	}
}

func TestNames(t *testing.T) {
	for want, s := range map[string]memcached.Server{
		"cache":                 {Host: "cache", Port: 11211},
		"Cache.Example.ORG:1":   {Host: "Cache.Example.ORG", Port: 1},
		"::1":                   {Host: "::1", Port: 11211},
		"::1:11212":             {Host: "::1", Port: 11212},
		"/run/memcached.sock:0": {Path: "/run/memcached.sock"},
	} {
		if got := pointName(s); got != want {
			t.Errorf("%+v: name %q, want %q", s, got, want)
		}
	}
}

func equalServers(n int) []memcached.Server {
	servers := make([]memcached.Server, n)
	for i := range servers {
		servers[i] = memcached.Server{Host: fmt.Sprintf("10.0.0.%d", i+1), Port: 11211, Weight: 1}
	}
	return servers
}

// TestPointCounts: equal weights give 160 points, but single precision takes four of
// them for a few numbers of servers, which double precision would miss.
func TestPointCounts(t *testing.T) {
	fewer := []int{25, 47, 50, 55, 61, 71, 94, 100}
	for n := 1; n <= MaxServers; n++ {
		r, err := newRing(KetamaWeighted, equalServers(n))
		if err != nil {
			t.Fatal(err)
		}
		want := 160 * n
		if slices.Contains(fewer, n) {
			want = 156 * n
		}
		if len(r.points) != want {
			t.Errorf("%d servers: %d weighted points, want %d", n, len(r.points), want)
		}
		r, err = newRing(Ketama, equalServers(n))
		if err != nil {
			t.Fatal(err)
		}
		if len(r.points) != 100*n {
			t.Errorf("%d servers: %d plain points, want %d", n, len(r.points), 100*n)
		}
	}
}

// TestWorkedPoints: the points of a small cluster, known from libmemcached.
func TestWorkedPoints(t *testing.T) {
	servers := []memcached.Server{
		{Host: "10.0.0.1", Port: 11211}, {Host: "10.0.0.2", Port: 11211}, {Host: "10.0.0.3", Port: 11212},
	}
	if got := oneAtATime("10.0.0.1-0"); got != 0xf618fafa {
		t.Errorf("first point of the first server: %08x", got)
	}
	for _, c := range []struct {
		name    string
		weights []int
		n       int
		lowest  point
		highest point
	}{
		{Ketama, []int{1, 1, 1}, 300, point{0x034ba48c, 1}, point{0xff691a87, 1}},
		{KetamaWeighted, []int{0, 1, 1}, 480, point{0x0038906b, 2}, point{0xff116fda, 1}},
	} {
		for i, w := range c.weights {
			servers[i].Weight = w
		}
		r, err := newRing(c.name, servers)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.points) != c.n || r.points[0] != c.lowest || r.points[c.n-1] != c.highest {
			t.Errorf("%s: %d points from %08x to %08x", c.name, len(r.points), r.points[0], r.points[len(r.points)-1])
		}
	}
	for i, w := range []int{1, 2, 5} {
		servers[i].Weight = w
	}
	r, err := newRing(Ketama, servers)
	if err != nil {
		t.Fatal(err)
	}
	var counts [3]int
	for _, p := range r.points {
		counts[p.server]++
	}
	if counts != [3]int{60, 120, 300} {
		t.Errorf("weights 1, 2, 5: %v points", counts)
	}
}

func TestWeightsSwitchTheRing(t *testing.T) {
	servers := equalServers(3)
	plain, err := newRing(Ketama, servers)
	if err != nil {
		t.Fatal(err)
	}
	for i := range servers {
		servers[i].Weight = 2
	}
	weighted, err := newRing(Ketama, servers)
	if err != nil {
		t.Fatal(err)
	}
	if len(plain.points) != 300 || len(weighted.points) != 480 {
		t.Errorf("%d points without weights, %d with", len(plain.points), len(weighted.points))
	}
}

func TestListedTwice(t *testing.T) {
	s := memcached.Server{Host: "cache", Port: 11211, Weight: 1}
	r, err := newRing(Ketama, []memcached.Server{s, s})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if key := fmt.Sprint("key", i); r.Pick(key) != 0 {
			t.Fatalf("%s is on the second of two equal servers", key)
		}
	}
}

func TestServersLimit(t *testing.T) {
	if _, err := New(Ketama, equalServers(MaxServers)); err != nil {
		t.Errorf("%d servers: %v", MaxServers, err)
	}
	if _, err := New(Ketama, equalServers(MaxServers+1)); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("%d servers: %v", MaxServers+1, err)
	}
	if _, err := New(Ketama, nil); err == nil {
		t.Error("no servers: no error")
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	key := strings.Repeat("k", maxKey)
	for _, name := range append(slices.Clone(rings), PythonMemcached, Gomemcache) {
		r, err := New(name, equalServers(5))
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { r.Pick(key) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, name := range append(slices.Clone(rings), PythonMemcached, Gomemcache) {
		r, err := New(name, equalServers(5))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r.Pick("mk:order:100:1")
			}
		})
	}
}

package soak

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

var (
	duration = flag.Duration("duration", 3*time.Second, "how long each driver is used")
	drivers  = flag.String("drivers", "gomemcache,ketama,memcached", "which drivers")
	seed     = flag.Uint64("seed", 0, "of the random numbers; 0: another one each time")
)

const (
	workers    = 4
	goroutines = 3
	workerEnv  = "LARDER_SOAK_WORKER"
)

func TestMain(m *testing.M) {
	text, worker := os.LookupEnv(workerEnv)
	if !worker {
		os.Exit(m.Run())
	}
	var o orders
	err := json.Unmarshal([]byte(text), &o)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1) // the test has ended without a word
	}()
	if err == nil {
		err = work(o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestSoak: whatever happens to servers, nothing is stale for a reason that the guide's
// table does not list, no swap succeeds from a state that is gone, and no error is
// another one than that a server is unavailable.
func TestSoak(t *testing.T) {
	for _, driver := range strings.Split(*drivers, ",") {
		t.Run(driver, func(t *testing.T) {
			s := *seed
			if s == 0 {
				s = rand.Uint64()
			}
			t.Logf("-drivers %s -duration %v -seed %d", driver, *duration, s)
			soak(t, driver, s)
		})
	}
}

func soak(t *testing.T, driver string, seed uint64) {
	file := filepath.Join(t.TempDir(), "table")
	tab, err := openTable(file)
	if err != nil {
		t.Fatal(err)
	}
	f := &faults{
		table: tab,
		rand:  rand.New(rand.NewPCG(seed, 0)),
		good:  memcachedtest.StartN(t, 3, "tcp", "-m", "64"),
		lossy: memcachedtest.StartN(t, 4, "tcp", "-m", "1", "-I", "8k", "-o", "slab_chunk_max=4096"),
	}
	dsn := func(servers []*memcachedtest.Server) string {
		return driver + "://" + strings.Join(memcachedtest.Addrs(servers), ",") + "?timeout=500ms"
	}
	outputs := make([]*strings.Builder, workers)
	var commands []*exec.Cmd
	for i := range workers {
		text, err := json.Marshal(orders{
			Table: file, Worker: i, Seed: seed, Goroutines: goroutines,
			Good: dsn(f.good), Lossy: dsn(f.lossy[:3]), LossyLong: dsn(f.lossy),
		})
		if err != nil {
			t.Fatal(err)
		}
		outputs[i] = &strings.Builder{}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
		cmd.Stdout, cmd.Stderr = outputs[i], os.Stderr
		stdin, err := cmd.StdinPipe() // the worker ends when this process does
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		commands = append(commands, cmd)
	}
	f.play(time.Now().Add(*duration))
	tab.stop.Store(1)
	f.mend()

	all := map[string]*report{}
	for i, cmd := range commands {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("worker %d: %v", i, err)
		}
		var reports map[string]report
		if err := json.Unmarshal([]byte(outputs[i].String()), &reports); err != nil {
			t.Fatalf("worker %d: %v", i, err)
		}
		for name, r := range reports {
			if all[name] == nil {
				all[name] = &report{}
			}
			all[name].add(r)
		}
	}
	t.Logf("faults: %s", list(f.counts))
	judge(t, all)
}

// allowed are the causes of stale reads that the guide's table "What a cache can lose"
// lists, by workload.
var allowed = map[string][]string{
	"lossy-wires": {"changed list", "server lost its items", "eviction"},
}

func judge(t *testing.T, all map[string]*report) {
	for _, name := range []string{"memory", "wires", "tags", "lossy-wires", "lossy-tags", "swaps"} {
		r := all[name]
		t.Logf("%-11s %s", name, r)
		if r.Hits == 0 || r.Invalidations == 0 || r.Loads == 0 {
			t.Errorf("%s: nothing was tested", name)
		}
		for cause, n := range r.Stale {
			if !slices.Contains(allowed[name], cause) {
				t.Errorf("%s: %d stale reads, cause: %s", name, n, cause)
			}
		}
		if r.WrongCount > 0 {
			t.Errorf("%s: %d times something else was wrong:\n\t%s", name, r.WrongCount, strings.Join(r.Wrong, "\n\t"))
		}
	}
}

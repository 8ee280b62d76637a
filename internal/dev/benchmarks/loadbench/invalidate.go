package loadbench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/load"
)

// Two ways to invalidate items.
const (
	byTag = "load: Invalidate of their tag"
	byKey = "by hand: DeleteMulti of their keys"
)

// atOnce is how many items are stored by one call.
const atOnce = 1000

func (r *Results) runInvalidations(o Options) (err error) {
	addr, stop, err := startMemcached()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	c, err := memcached.New(memcached.Config{Servers: []string{addr}, Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	loader, err := load.New(c, load.Config[[]byte]{TTL: time.Hour})
	if err != nil {
		return err
	}
	rounds := map[int]int{1: 21, 1000: 11, 100_000: 5}
	for _, n := range []int{1, 1000, 100_000} {
		count := rounds[n]
		if o.Quick {
			count = 1
		}
		times := map[string]report.Sample{}
		for range count {
			took, err := invalidateTag(loader, n)
			if err != nil {
				return err
			}
			times[byTag] = append(times[byTag], took)
			if took, err = deleteKeys(c, n); err != nil {
				return err
			}
			times[byKey] = append(times[byKey], took)
		}
		for _, name := range []string{byTag, byKey} {
			r.Invalidations = append(r.Invalidations, Row{Group: report.Number(float64(n)), Name: name, Times: times[name]})
		}
	}
	return nil
}

// invalidateTag stores items with a tag, and returns the µs that invalidating the tag takes.
func invalidateTag(loader *load.Loader[[]byte], n int) (µs float64, err error) {
	keys := keysOf("tagged", n)
	value := make([]byte, valueSize)
	for at := 0; at < n; at += atOnce {
		_, err := loader.GetMulti(ctx, keys[at:min(at+atOnce, n)], func(_ context.Context, _ *load.Entries[[]byte], missing []string) (map[string][]byte, error) {
			values := make(map[string][]byte, len(missing))
			for _, key := range missing {
				values[key] = value
			}
			return values, nil
		}, "all")
		if err != nil {
			return 0, err
		}
	}
	if found, err := count(loader, keys); err != nil || found != n {
		return 0, fmt.Errorf("%d of %d items were stored: %w", found, n, err)
	}
	began := time.Now()
	err = loader.Invalidate(ctx, "all")
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if found, err := count(loader, keys); err != nil || found != 0 {
		return 0, fmt.Errorf("%d of %d items are left: %w", found, n, err)
	}
	return took.Seconds() * 1e6, nil
}

// count returns how many of keys are in the cache and good.
func count(loader *load.Loader[[]byte], keys []string) (int, error) {
	found := 0
	for at := 0; at < len(keys); at += atOnce {
		values, err := loader.GetMulti(ctx, keys[at:min(at+atOnce, len(keys))], nil)
		if err != nil {
			return found, err
		}
		found += len(values)
	}
	return found, nil
}

// deleteKeys stores items, and returns the µs that deleting them takes.
func deleteKeys(c *cache.Cache, n int) (µs float64, err error) {
	keys := keysOf("plain", n)
	values := make(map[string][]byte, n)
	for _, key := range keys {
		values[key] = make([]byte, valueSize)
	}
	if err := c.SetMulti(ctx, values, time.Hour); err != nil {
		return 0, err
	}
	began := time.Now()
	err = c.DeleteMulti(ctx, keys)
	return time.Since(began).Seconds() * 1e6, err
}

func keysOf(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint(prefix, ":", i)
	}
	return keys
}

// startMemcached starts a server on a socket of this machine.
func startMemcached() (addr string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "loadbench")
	if err != nil {
		return "", nil, err
	}
	addr = filepath.Join(dir, "s")
	args := []string{"-s", addr, "-m", "1024"}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root")
	}
	cmd := exec.Command("memcached", args...)
	if err := cmd.Start(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("%w; on Debian: apt-get install memcached", err), os.RemoveAll(dir))
	}
	stop = func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait() // its error is that it was killed
		return errors.Join(err, os.RemoveAll(dir))
	}
	const patience = 10 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("unix", addr)
		if err == nil {
			return addr, stop, c.Close()
		}
		if time.Since(began) > patience {
			return "", nil, errors.Join(fmt.Errorf("memcached does not listen after %v: %w", patience, err), stop())
		}
	}
}

// version asks the program.
func version() string {
	out, err := exec.Command("memcached", "--version").Output()
	if err != nil {
		return "memcached"
	}
	return strings.TrimSpace(string(out))
}

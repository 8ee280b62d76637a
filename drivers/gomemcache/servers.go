package gomemcache

import (
	"sync"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// onAll runs f for every server at the same time.
func (d *driverCache) onAll(f func(*server) error) error {
	errs := make([]error, len(d.servers))
	var wg sync.WaitGroup
	for i, s := range d.servers[1:] {
		wg.Go(func() { errs[i+1] = f(s) })
	}
	errs[0] = f(d.servers[0])
	wg.Wait()
	return memcached.Join(errs)
}

// onServers calls f for each server that has some of n keys, with the positions of those
// keys in order, for all servers at the same time.
func (d *driverCache) onServers(n int, key func(i int) string, f func(s *server, part []int)) {
	if len(d.servers) == 1 {
		part := make([]int, n)
		for i := range part {
			part[i] = i
		}
		f(d.servers[0], part)
		return
	}
	parts := make(map[*server][]int, len(d.servers))
	for i := range n {
		s := d.pick(key(i))
		parts[s] = append(parts[s], i)
	}
	var wg sync.WaitGroup
	for s, part := range parts {
		wg.Go(func() { f(s, part) })
	}
	wg.Wait()
}

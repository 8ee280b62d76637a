package servertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

var tokenCases = []test{
	{
		name: "tokens/end with their server",
		rule: "no compare-and-swap or compare-and-delete succeeds with an item that was read before the server was restarted, whatever became of the connections",
		run:  tokensEnd,
	},
	{
		name: "tokens/read while it restarts",
		rule: "an item that was read while the server was being restarted belongs to the server that it was read from, and to no other",
		run:  tokensRead,
	},
	{
		name: "tokens/live",
		rule: "a compare-and-swap of an item that is unchanged succeeds on a server that keeps running, whichever connection it goes over",
		run:  tokensLive,
	},
}

// tokenKeys is the number of items whose tokens are tried after each restart.
const tokenKeys = 24

// lives is a server that is restarted again and again. Each life stores the same keys in
// the same order, so that a server that numbers its items from 1 gives an item the number
// that it had in the life before. The values name the life that they are of.
type lives struct {
	*suite
	server  Server
	subject *cache.Cache // whose tokens are tried
	feeder  *cache.Cache // another cache, which stores
	life    int
}

func (s *suite) lives() *lives {
	server, c := s.one(s.patient)
	if !c.Supports(cache.OpCompareAndSwap) {
		s.t.Skip("the driver has no compare-and-swap")
	}
	return &lives{suite: s, server: server, subject: c, feeder: s.open(Config{Servers: []string{server.Addr()}})}
}

func (l *lives) value() string { return fmt.Sprint("life ", l.life) }

// begin stores the items of a new life.
func (l *lives) begin() {
	l.t.Helper()
	l.life++
	for _, k := range keys(tokenKeys) {
		l.must(l.feeder.Set(context.Background(), k, []byte(l.value()), 0), "Set after a restart")
	}
}

// restarts calls f for as many restarts as are to be tried.
func (l *lives) restarts(f func(i int)) {
	n := l.o.Restarts
	if n == 0 {
		n = defaultRestarts
	}
	for i := range n {
		f(i)
		if l.reports.Load() > 0 {
			return // later ones would fail in the same way
		}
	}
}

// read reads all items in several ways, some of them over several connections.
func (l *lives) read() []cache.Item {
	l.t.Helper()
	ctx := context.Background()
	all := keys(tokenKeys)
	items := make([]cache.Item, len(all))
	found, err := l.subject.GetItemMulti(ctx, all[:8])
	l.must(err, "GetItemMulti")
	for i, k := range all[:8] {
		items[i] = found[k]
	}
	var wg sync.WaitGroup
	for i := 8; i < 16; i++ {
		wg.Go(func() {
			var err error
			items[i], err = l.subject.GetItem(ctx, all[i])
			l.none(err, "GetItem")
		})
	}
	wg.Wait()
	for i := 16; i < len(all); i++ {
		items[i], _, err = l.subject.GetOrAdd(ctx, all[i], nil, 0)
		l.must(err, "GetOrAdd")
	}
	return items
}

// try uses items of an earlier life, which must all fail, in every operation that takes
// one.
func (l *lives) try(items []cache.Item) {
	l.t.Helper()
	ctx := context.Background()
	taken := func(what string, it cache.Item, err error) {
		if err == nil {
			l.errorf("%s with the item %q, which was read in %q, succeeded in %q", what, it.Key, it.Value, l.value())
		} else if !errors.Is(err, cache.ErrConflict) && !errors.Is(err, cache.ErrMiss) && !errors.Is(err, cache.ErrUnavailable) {
			l.errorf("%s with an item from before a restart: error %q, want %q", what, err, cache.ErrConflict)
		}
	}
	reason := func(err error, key string) error {
		var m *cache.MultiError
		if errors.As(err, &m) {
			return m.Errors[key]
		}
		return err
	}
	new := []byte("taken")
	var swaps []cache.Swap
	var deletes []cache.Item
	for i, it := range items {
		switch i % 4 {
		case 0:
			taken("CompareAndSwap", it, l.subject.CompareAndSwap(ctx, it, new, 0))
		case 1:
			taken("CompareAndDelete", it, l.subject.CompareAndDelete(ctx, it))
		case 2:
			swaps = append(swaps, cache.Swap{Old: it, Value: new})
		case 3:
			deletes = append(deletes, it)
		}
	}
	err := l.subject.CompareAndSwapMulti(ctx, swaps)
	for _, sw := range swaps {
		taken("CompareAndSwapMulti", sw.Old, reason(err, sw.Old.Key))
	}
	err = l.subject.CompareAndDeleteMulti(ctx, deletes)
	for _, it := range deletes {
		taken("CompareAndDeleteMulti", it, reason(err, it.Key))
	}
}

// unharmed checks that all items of this life are as they were stored.
func (l *lives) unharmed() {
	l.t.Helper()
	found, err := l.feeder.GetMulti(context.Background(), keys(tokenKeys))
	l.must(err, "GetMulti")
	for _, k := range keys(tokenKeys) {
		if string(found[k]) != l.value() {
			l.errorf("in %q the item %q is %q: a call with an item of an earlier life changed it", l.value(), k, found[k])
		}
	}
}

// traffic makes calls until the returned function is called. Some of them are cut short, so
// that connections end and others are opened all the time. They change nothing.
func (l *lives) traffic() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if i%3 == 0 {
					hasty, end := context.WithTimeout(ctx, time.Duration(i%7*g)*10*time.Microsecond)
					_, _ = l.subject.Get(hasty, "absent")
					end()
					continue
				}
				_, _ = l.subject.Get(ctx, "absent")
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

func tokensEnd(s *suite) {
	l := s.lives()
	ctx := context.Background()
	l.begin()
	l.restarts(func(i int) {
		// Calls of the traffic before may have found the server down: a driver may not
		// look for it at once.
		l.eventually(func() bool { return l.subject.Ping(ctx) == nil }, "Ping succeeds, of a server that was restarted before")
		items := l.read()
		stop := func() {}
		if i%4 == 3 {
			stop = l.traffic()
		}
		l.server.Restart()
		switch i % 4 {
		case 1: // connections are made anew before a token is tried
			l.none(l.subject.Ping(ctx), "Ping after a restart")
		case 2: // and there are as many as before
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() { _, _ = l.subject.GetMulti(ctx, []string{"absent"}) })
			}
			wg.Wait()
		}
		l.begin()
		l.try(items)
		stop()
		l.unharmed()
	})
}

func tokensRead(s *suite) {
	l := s.lives()
	l.begin()
	all := keys(tokenKeys)
	l.restarts(func(int) {
		// Goroutines read items while the server is restarted and filled again, and
		// note what they have.
		ctx, cancel := context.WithCancel(context.Background())
		var mu sync.Mutex
		seen := map[string]map[string]cache.Item{} // by life and key
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		for g := range 4 {
			wg.Go(func() {
				for i := g; ctx.Err() == nil; i++ {
					it, err := l.subject.GetItem(context.Background(), all[i%len(all)])
					if err != nil {
						continue
					}
					mu.Lock()
					life := string(it.Value)
					if seen[life] == nil {
						seen[life] = map[string]cache.Item{}
					}
					seen[life][it.Key] = it
					mu.Unlock()
				}
			})
		}
		old := l.value()
		read := func(life string) func() bool {
			return func() bool { mu.Lock(); defer mu.Unlock(); return len(seen[life]) == len(all) }
		}
		l.eventually(read(old), "all items of a life are read")
		l.server.Restart()
		l.begin()
		l.eventually(read(l.value()), "all items of the next life are read")
		cancel()
		wg.Wait()
		var items []cache.Item
		for _, k := range all {
			items = append(items, seen[old][k])
		}
		l.try(items)
		l.unharmed()
	})
}

func tokensLive(s *suite) {
	l := s.lives()
	l.begin()
	ctx := context.Background()
	s.warm(l.subject)
	for i, it := range l.read() {
		var err error
		if i%2 == 0 {
			err = l.subject.CompareAndSwap(ctx, it, []byte("new"), 0)
		} else {
			err = l.subject.CompareAndDelete(ctx, it)
		}
		s.none(err, "an item that is unchanged")
	}
	// Many goroutines that change one counter by reading and swapping it come to an end,
	// and no change is lost.
	const workers, each = 8, 20
	s.none(l.subject.Set(ctx, "n", []byte{0}, 0), "Set")
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if err := l.add(ctx, "n"); err != nil {
					s.errorf("a change by GetItem and CompareAndSwap: error %q", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if v, err := l.subject.Get(ctx, "n"); err != nil || v[0] != workers*each {
		s.errorf("%d changes by compare-and-swap came to %v, error %v", workers*each, v, err)
	}
}

// maxConflicts is the number of tries of a change of one item, beside seven other callers.
const maxConflicts = 1000

// add adds 1 to the byte at key.
func (l *lives) add(ctx context.Context, key string) error {
	for range maxConflicts {
		it, err := l.subject.GetItem(ctx, key)
		if err != nil {
			return err
		}
		err = l.subject.CompareAndSwap(ctx, it, []byte{it.Value[0] + 1}, 0)
		if !errors.Is(err, cache.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("%d conflicts", maxConflicts)
}

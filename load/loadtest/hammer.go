package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

// HammerOptions configure [Hammer]. The zero value is ready to use.
type HammerOptions struct {
	// Gets is the number of values to read; if zero, 10,000, or a fifth of that with
	// -short.
	Gets int

	// Keys and Tags are the numbers of different keys and tags; 500 and 20 if zero.
	Keys, Tags int

	// ValueSize is the length of values in bytes; 100 if zero. If the values do not fit
	// the memory of the server, items and records are evicted throughout the test.
	ValueSize int

	// Change, if not nil, changes the configuration of the loaders.
	Change func(*load.Config[string])

	// Disturb, if not nil, is called now and then by one goroutine, for example to
	// restart a server. Operations may fail while it runs.
	Disturb func()
}

const (
	hammerReaders      = 12
	hammerInvalidators = 3
	getsPerChange      = 100
)

// Hammer starts goroutines that read values through loaders, one for each client, while
// others change the data and invalidate the values, by tag and by key. Some loads fail, return
// ErrNotFound, or take long, and some callers give up. It fails the test if a Get returns a
// value that is older than an invalidation that was complete before that Get began.
//
// The clients are caches over the same servers. Their keys begin with "hammer".
func Hammer(t testing.TB, o HammerOptions, clients ...*cache.Cache) {
	t.Helper()
	if len(clients) == 0 {
		t.Fatal("loadtest: Hammer needs a cache")
	}
	if o.Gets == 0 {
		if o.Gets = 10_000; testing.Short() {
			o.Gets /= 5
		}
	}
	if o.Keys == 0 {
		o.Keys = 500
	}
	if o.Tags == 0 {
		o.Tags = 20
	}
	if o.ValueSize == 0 {
		o.ValueSize = 100
	}
	h := &hammer{
		t: t, o: o, prefix: fmt.Sprintf("hammer-%d-", time.Now().UnixNano()),
		tags: make([]source, o.Tags), keys: make([]source, o.Keys), stop: make(chan struct{}),
	}
	for i, c := range clients {
		cfg := load.Config[string]{TTL: time.Hour, Codec: codec.Text[string](), NotFoundTTL: time.Minute}
		if i%2 == 1 { // every second one refreshes early, and keeps what is stale
			cfg.RefreshAfter, cfg.KeepStale, cfg.RetryAfter = time.Millisecond, time.Hour, time.Millisecond
			cfg.TTL, cfg.Patience = 5*time.Millisecond, time.Millisecond
		}
		if o.Change != nil {
			o.Change(&cfg)
		}
		l, err := load.New(c, cfg)
		if err != nil {
			t.Fatal(err)
		}
		h.loaders = append(h.loaders, l)
	}
	h.run()
	for _, l := range h.loaders {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	var sum load.Stats
	for _, l := range h.loaders {
		st := l.Stats()
		sum.Hits += st.Hits
		sum.StaleHits += st.StaleHits
		sum.Misses += st.Misses
		sum.Waits += st.Waits
		sum.Loads += st.Loads
	}
	t.Logf("%d values read, %d invalidations: %d hits (%d stale), %d misses (%d waits), %d loads, %d errors",
		h.read.Load(), h.invalidations.Load(), sum.Hits, sum.StaleHits, sum.Misses, sum.Waits, sum.Loads, h.errs.Load())
	if h.failed.Load() == 0 && (sum.Hits == 0 || h.invalidations.Load() == 0) {
		t.Errorf("%d hits, %d invalidations: the test was empty; want some of both", sum.Hits, h.invalidations.Load())
	}
}

// source is data that values are made of.
type source struct {
	now  atomic.Int64 // its version
	told atomic.Int64 // the version up to which an invalidation has been completed
}

// change makes a new version and announces it with tell.
func (s *source) change(tell func() error) bool {
	v := s.now.Add(1)
	if tell() != nil {
		return false
	}
	for {
		told := s.told.Load()
		if told >= v || s.told.CompareAndSwap(told, v) {
			return true
		}
	}
}

type hammer struct {
	t       testing.TB
	o       HammerOptions
	prefix  string
	loaders []*load.Loader[string]
	tags    []source
	keys    []source
	stop    chan struct{}

	read, invalidations, errs, failed atomic.Int64
}

func (h *hammer) run() {
	var reading, changing sync.WaitGroup
	for i := range hammerReaders {
		reading.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano())))
			for n := 0; n < h.o.Gets/hammerReaders && h.failed.Load() == 0; {
				n += h.get(r)
			}
		})
	}
	for i := range hammerInvalidators {
		changing.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano())))
			for next := int64(0); !h.stopped(); {
				if read := h.read.Load(); read >= next {
					h.change(r)
					next = read + getsPerChange*hammerInvalidators
				}
				time.Sleep(time.Duration(r.IntN(200)) * time.Microsecond)
			}
		})
	}
	if h.o.Disturb != nil {
		changing.Go(func() {
			for !h.stopped() {
				h.o.Disturb()
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	reading.Wait()
	close(h.stop)
	changing.Wait()
}

func (h *hammer) stopped() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// change changes a tag or a key, and announces it.
func (h *hammer) change(r *rand.Rand) {
	l := h.loaders[r.IntN(len(h.loaders))]
	ok := false
	if r.IntN(3) > 0 {
		i := r.IntN(len(h.tags))
		ok = h.tags[i].change(func() error { return l.Invalidate(context.Background(), h.tag(i)) })
	} else {
		i := h.pick(r)
		ok = h.keys[i].change(func() error { return l.Delete(context.Background(), h.key(i)) })
	}
	if ok {
		h.invalidations.Add(1)
	} else {
		h.errs.Add(1)
	}
}

// pick chooses a key, some more often than others.
func (h *hammer) pick(r *rand.Rand) int { return r.IntN(1 + r.IntN(len(h.keys))) }

func (h *hammer) key(i int) string { return h.prefix + strconv.Itoa(i) }
func (h *hammer) tag(i int) string { return h.prefix + "tag" + strconv.Itoa(i) }

// tagsOf returns the tags of a key: one that callers know, and one that the load finds.
func (h *hammer) tagsOf(i int) (known, found int) {
	return i % len(h.tags), i / len(h.tags) % len(h.tags)
}

// version is the data that a value was made of.
type version struct{ known, found, key int64 }

func (v version) String() string { return fmt.Sprint(v.known, ",", v.found, ",", v.key, ",") }

// load makes the value of a key.
func (h *hammer) load(ctx context.Context, r uint64, i int, tag func(string) error) (string, error) {
	known, found := h.tagsOf(i)
	if err := tag(h.tag(found)); err != nil {
		return "", err
	}
	v := version{h.tags[known].now.Load(), h.tags[found].now.Load(), h.keys[i].now.Load()}
	if r%64 == 0 {
		select {
		case <-time.After(time.Duration(r/64%1000) * time.Microsecond):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	switch r % 61 {
	case 0:
		return "", errHammer
	case 1:
		return "", load.ErrNotFound
	}
	s := v.String()
	return s + strings.Repeat(".", max(0, h.o.ValueSize-len(s))), nil
}

var errHammer = errors.New("a load that fails")

// get reads one value or several and returns how many.
func (h *hammer) get(r *rand.Rand) int {
	l := h.loaders[r.IntN(len(h.loaders))]
	ctx := context.Background()
	if r.IntN(50) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(2000))*time.Microsecond)
		defer cancel()
	}
	seed := r.Uint64()
	if r.IntN(8) > 0 {
		i := h.pick(r)
		known, _ := h.tagsOf(i)
		told := h.told(i)
		v, err := l.Get(ctx, h.key(i), func(ctx context.Context, e *entry) (string, error) {
			return h.load(ctx, seed, i, func(tag string) error { return e.Tag(ctx, tag) })
		}, h.tag(known))
		h.check(i, told, v, err)
		return 1
	}
	// Many keys, all with the same known tag.
	known := r.IntN(len(h.tags))
	byKey := map[string]int{}
	told := map[int]version{}
	var keys []string
	for i := known; i < len(h.keys) && len(keys) < 1+r.IntN(20); i += len(h.tags) {
		keys = append(keys, h.key(i))
		byKey[h.key(i)] = i
		told[i] = h.told(i)
	}
	values, err := l.GetMulti(ctx, keys, func(ctx context.Context, e *entries, keys []string) (map[string]string, error) {
		values := map[string]string{}
		for _, key := range keys {
			v, err := h.load(ctx, seed+uint64(byKey[key]), byKey[key], func(tag string) error { return e.Tag(ctx, key, tag) })
			if err != nil {
				e.Fail(key, err)
				continue
			}
			values[key] = v
		}
		return values, nil
	}, h.tag(known))
	if err != nil {
		h.errs.Add(1)
	}
	for key, v := range values {
		h.check(byKey[key], told[byKey[key]], v, nil)
	}
	return len(keys)
}

// told returns what the value of a key must not be older than.
func (h *hammer) told(i int) version {
	known, found := h.tagsOf(i)
	return version{h.tags[known].told.Load(), h.tags[found].told.Load(), h.keys[i].told.Load()}
}

// check looks at what a Get that began when told was told has returned.
func (h *hammer) check(i int, told version, value string, err error) {
	h.read.Add(1)
	if errors.Is(err, load.ErrNotFound) {
		return
	}
	if err != nil {
		h.errs.Add(1)
		if !errors.Is(err, errHammer) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) && h.o.Disturb == nil {
			h.fail("Get: %v", err)
		}
		return
	}
	var v version
	if _, err := fmt.Sscanf(strings.ReplaceAll(value, ",", " "), "%d %d %d", &v.known, &v.found, &v.key); err != nil {
		h.fail("Get of %q: %.40q is not a value: %v", h.key(i), value, err)
		return
	}
	if v.known < told.known || v.found < told.found || v.key < told.key {
		h.fail("Get of %q returned a value of versions %v, although invalidations of %v had been completed before it began", h.key(i), v, told)
	}
}

func (h *hammer) fail(format string, args ...any) {
	if h.failed.Add(1) <= maxReports {
		h.t.Errorf(format, args...)
	}
}

package valkey

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

const (
	// maxGroup bounds the keys of a script. It saves most of the cost of a script, and
	// keeps the server busy for a third of a millisecond.
	maxGroup      = 128
	maxGroupBytes = 256 << 10 // of values that a script is given, if it has several keys
	maxPiece      = 250       // requests that are sent at once; 1,000 at once took a fourth longer
	pieceWorkers  = 2         // pieces under way: one is sent while replies to the other come
	singleWorkers = 16        // requests under way that are sent one by one
)

// A batch is an operation on many keys. Its functions are called by several goroutines.
type batch struct {
	op         cache.Op
	idempotent bool
	errs       []error // for each key; those that have one at the start are left out

	// request makes the request for some of the keys: for one, unless it is a script that
	// replies with a list of one element a key.
	request func(keys []int) request
	list    bool
	// reply takes what the reply says of a key.
	reply func(key int, v value) error
	// size returns the bytes that a script is given for a key; nil means a few.
	size func(key int) int

	locator locator
}

// A part is a request of a batch and the keys that it is for.
type part struct {
	keys   []int
	source bool // of the script is sent
	tries  tries
}

func (b *batch) requestFor(p *part) request {
	r := b.request(p.keys)
	r.source = p.source
	return r
}

// run sends the requests of a batch in pieces. It returns an error for each key, or nil if
// there are none.
func (s *store) run(ctx context.Context, b *batch) []error {
	parts := s.parts(b)
	pieces := (len(parts) + maxPiece - 1) / maxPiece
	piece := func(i int) []part { return parts[i*maxPiece : min((i+1)*maxPiece, len(parts))] }
	if pieces == 1 {
		s.runPiece(ctx, b, piece(0))
	} else {
		parallel(pieces, pieceWorkers, func(i int) { s.runPiece(ctx, b, piece(i)) })
	}
	for _, err := range b.errs {
		if err != nil {
			return b.errs
		}
	}
	return nil
}

// parallel calls f for 0 to n-1, in the given number of goroutines at most.
func parallel(n, workers int, f func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, workers) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// parts divides the keys of a batch.
func (s *store) parts(b *batch) []part {
	most := 1
	if b.list {
		most = s.group
	}
	all := make([]int, 0, len(b.errs))
	for i, err := range b.errs {
		if err == nil {
			all = append(all, i)
		}
	}
	parts := make([]part, 0, (len(all)+most-1)/most)
	for len(all) > 0 {
		n, bytes := 0, 0
		for n < min(most, len(all)) {
			if b.size != nil {
				bytes += b.size(all[n])
			}
			if n > 0 && bytes > maxGroupBytes {
				break
			}
			n++
		}
		parts = append(parts, part{keys: all[:n:n], tries: tries{idempotent: b.idempotent}})
		all = all[n:]
	}
	return parts
}

// runPiece sends requests until each has a reply or has failed for good.
func (s *store) runPiece(ctx context.Context, b *batch, parts []part) {
	for round := 0; len(parts) > 0; round++ {
		replies := s.lib.doMulti(ctx, len(parts), func(i int) request { return b.requestFor(&parts[i]) })
		if noServer(replies[0].Error()) {
			parts = s.withoutServer(ctx, b, parts, round)
			continue
		}
		var again []part
		for i, r := range replies {
			again = append(again, s.settle(ctx, b, parts[i], r)...)
		}
		parts = again
	}
}

// settle takes the reply to a part, and returns what has to be sent again.
func (s *store) settle(ctx context.Context, b *batch, p part, r reply) []part {
	err := failureOf(r)
	if err == nil {
		s.deliver(ctx, b, p.keys, valueOf(r))
		return nil
	}
	if p.tries.again(ctx, s, &p.source, err) {
		return []part{p}
	}
	if e, ok := err.(serverError); ok && e.code() == "NOPERM" && len(p.keys) > 1 {
		// The user may not use one of the keys, and nothing was done.
		parts := make([]part, len(p.keys))
		for i := range parts {
			parts[i] = part{keys: p.keys[i : i+1], tries: p.tries}
		}
		return parts
	}
	b.fail(ctx, s, p, err)
	return nil
}

// fail notes the error of a part.
func (b *batch) fail(ctx context.Context, s *store, p part, err error) {
	key := b.request(p.keys).key
	err = naming(strings.TrimPrefix(key, s.prefix), s.failure(ctx, b.op, b.locator.locate(ctx, s, key, err)))
	for _, k := range p.keys {
		b.errs[k] = err
	}
}

// deliver hands the reply to a part over, key by key.
func (s *store) deliver(ctx context.Context, b *batch, keys []int, v value) {
	if !b.list {
		b.errs[keys[0]] = b.reply(keys[0], v)
		return
	}
	list, err := listOf(v)
	if err == nil && len(list) != len(keys) {
		err = errShortReply
	}
	for i, k := range keys {
		if err != nil {
			b.errs[k] = s.failure(ctx, b.op, err)
		} else {
			b.errs[k] = b.reply(k, list[i])
		}
	}
}

// withoutServer is called when the library refused all requests because one of them has no
// server. It settles those, and returns the others. If they are refused as well, the
// servers are changing: then all are sent one by one.
func (s *store) withoutServer(ctx context.Context, b *batch, parts []part, round int) []part {
	if shards, err := s.lib.shards(ctx); round == 0 && err == nil {
		var rest []part
		for _, p := range parts {
			if shardOf(shards, s.lib.slot(b.request(p.keys).key)).online {
				rest = append(rest, p)
			} else {
				b.fail(ctx, s, p, errNoServer)
			}
		}
		return rest
	}
	var mu sync.Mutex
	var rest []part
	parallel(len(parts), singleWorkers, func(i int) {
		r := b.requestFor(&parts[i])
		again := s.settle(ctx, b, parts[i], s.lib.do(ctx, &r))
		mu.Lock()
		defer mu.Unlock()
		rest = append(rest, again...)
	})
	return rest
}

// GetMulti implements [driver.Batcher].
func (s *store) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	const op = cache.OpGetMulti
	values := make([][]byte, len(keys))
	errs := s.run(ctx, &batch{
		op: op, idempotent: true, errs: make([]error, len(keys)),
		request: func(k []int) request { return request{name: "GET", key: s.key(keys[k[0]])} },
		reply: func(k int, v value) (err error) {
			values[k], err = s.content(ctx, op, v)
			return ignoreMiss(err)
		},
	})
	return values, errs
}

func ignoreMiss(err error) error {
	if err == driver.ErrMiss {
		return nil
	}
	return err
}

// StoreMulti implements [driver.Batcher].
func (s *store) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	defer s.views.dropEntries(entries)
	var ttl string // of the first entry, and as a rule of all
	if len(entries) > 0 {
		ttl = milliseconds(entries[0].TTL)
	}
	return s.run(ctx, &batch{
		op: mode.MultiOp(), idempotent: idempotent(mode), errs: s.checkSizes(entries),
		request: func(k []int) request {
			e := &entries[k[0]]
			if e.TTL != entries[0].TTL {
				return s.storeRequest(mode, e, milliseconds(e.TTL))
			}
			return s.storeRequest(mode, e, ttl)
		},
		reply: func(_ int, v value) error {
			if isNil(v) {
				return driver.ErrNotStored
			}
			return nil
		},
	})
}

// checkSizes returns a slice with an error for each entry that is too large.
func (s *store) checkSizes(entries []driver.Entry) []error {
	errs := make([]error, len(entries))
	for i := range entries {
		if s.tooLarge(entries[i].Value) {
			errs[i] = driver.ErrTooLarge
		}
	}
	return errs
}

// DeleteMulti implements [driver.Batcher].
func (s *store) DeleteMulti(ctx context.Context, keys []string) []error {
	defer s.views.drop(keys...)
	return s.run(ctx, &batch{
		op: cache.OpDeleteMulti, idempotent: true, errs: make([]error, len(keys)),
		request: func(k []int) request { return request{name: "DEL", key: s.key(keys[k[0]])} },
		reply:   func(int, value) error { return nil },
	})
}

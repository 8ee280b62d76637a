package ketama

import (
	"context"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// The bounds of a piece of GetOrAddMulti. Its adds and gets fit one window, in which the
// adds come first: so the server has read all of them before it replies at length.
const (
	pieceEntries = 128
	pieceKeys    = 7 << 10  // bytes, twice in a window
	pieceBytes   = 48 << 10 // of values
)

// adding is a batch of adds, each with a get.
type adding struct {
	entries []driver.Entry
	items   []driver.Item
	added   []bool
	errs    []error
	refused []error // why an entry could not be added, other than that it was there
}

// GetOrAddMulti implements [driver.BatchSwapper]. The adds and the gets of a piece are one
// round trip.
func (d *cluster) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	n := len(entries)
	b := &adding{entries: entries, items: make([]driver.Item, n), added: make([]bool, n), errs: make([]error, n), refused: make([]error, n)}
	memcached.LeaveOut(entries, b.errs)
	parts := fanout.Split(n, len(d.servers), func(i int) int {
		if b.errs[i] != nil {
			return -1
		}
		return d.distribution.Pick(entries[i].Key)
	})
	fanout.Each(parts, func(i int, part []int) { d.add(ctx, d.servers[i], b, part) })
	for i, err := range b.errs {
		switch {
		case err != nil:
			b.items[i] = driver.Item{}
		case b.items[i].Token != nil: // whether it could be added or not
		case b.refused[i] != nil:
			b.errs[i] = b.refused[i]
		default:
			b.errs[i] = driver.ErrMiss
		}
	}
	return b.items, b.added, memcached.ExplainMulti(d.fail, cache.OpGetOrAddMulti, entries, fanout.Failures(b.errs))
}

// add adds and gets the entries that part lists, in pieces. When the server fails, its error
// is that of all entries that have no item yet.
func (d *cluster) add(ctx context.Context, s *server, b *adding, part []int) {
	c, err := s.acquire(ctx, cache.OpGetOrAddMulti)
	if err == nil {
		defer c.release()
	}
	for err == nil && len(part) > 0 {
		n := b.piece(part)
		err = d.addPiece(c, b, part[:n])
		part = part[n:]
	}
	for _, i := range part {
		b.errs[i] = err
	}
}

// piece returns how many of part go into one piece.
func (b *adding) piece(part []int) (n int) {
	for keys, values := 0, 0; n < min(len(part), pieceEntries); n++ {
		e := &b.entries[part[n]]
		keys += len(e.Key) + 32 // and the header
		values += len(e.Value)
		if n > 0 && (keys > pieceKeys || values > pieceBytes) {
			break
		}
	}
	return n
}

// addPiece adds and gets the entries that part lists.
func (d *cluster) addPiece(c *client, b *adding, part []int) error {
	const op = cache.OpGetOrAddMulti
	n := len(part)
	var e epoch.Number
	done, err := c.askMany(false, 2*n,
		func(k int) wire.Request {
			if k < n {
				return d.storeRequest(driver.Add, b.entries[part[k]])
			}
			e = c.epoch()
			return wire.Request{Op: wire.Get, Key: b.entries[part[k-n]].Key}
		},
		func(k int, r wire.Reply) {
			if k < n {
				i := part[k]
				switch err := c.server.refusal(op, wire.Add, r.Status); err {
				case nil:
					b.added[i] = true
				case driver.ErrNotStored:
				default:
					b.refused[i] = err
				}
				return
			}
			i := part[k-n]
			err := c.server.refusal(op, wire.Get, r.Status)
			if err == nil {
				b.items[i], err = c.server.item(op, b.entries[i].Key, r, e)
			}
			b.errs[i] = ignoreMiss(err)
		})
	for k := max(done, n); k < 2*n; k++ {
		b.errs[part[k-n]] = err
	}
	return err
}

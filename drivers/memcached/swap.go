package memcached

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/cluster"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// token identifies the state of an item. CAS ids begin again when a server is restarted, so
// one is valid only on the connection on which it was read, which does not outlive the server.
type token struct {
	conn uint64 // its ID
	cas  uint64 // not 0
}

// tokenOf returns the token that the caller of an operation has passed.
func tokenOf(op cache.Op, s *cluster.Server, t any) (token, error) {
	tok, ok := t.(token)
	if !ok || tok.cas == 0 {
		return token{}, fail(op, s, memcached.ErrForeignToken)
	}
	return tok, nil
}

// item returns the item in a reply that came on the connection with that ID.
func item(op cache.Op, s *cluster.Server, key string, id uint64, r *protocol.Reply) (driver.Item, error) {
	if r.CAS == 0 {
		return driver.Item{}, fail(op, s, memcached.ErrNoCAS)
	}
	value, kind, err := decode(op, s, key, r)
	if err != nil {
		return driver.Item{}, err
	}
	it := driver.Item{Value: value, Kind: kind, TTLKnown: true, Token: token{id, r.CAS}}
	if r.TTL != protocol.NoExpiry {
		it.TTL = time.Duration(max(1, r.TTL)) * time.Second // 0 would be no expiry
	}
	return it, nil
}

// GetItem implements [driver.Swapper].
func (d *driverCache) GetItem(ctx context.Context, key string) (driver.Item, error) {
	const op = cache.OpGetItem
	s, call, err := d.do(ctx, op, &protocol.Request{Verb: protocol.GetItem, Key: key})
	if err != nil {
		return driver.Item{}, err
	}
	defer call.Free()
	if r := call.Reply(); r.Status != protocol.Found {
		return driver.Item{}, refused(op, s, r)
	}
	return item(op, s, key, call.Conn(), call.Reply())
}

// CompareAndSwap implements [driver.Swapper].
func (d *driverCache) CompareAndSwap(ctx context.Context, t any, e driver.Entry) error {
	if len(e.Value) > memcached.MaxValue {
		return tooLong(cache.OpCompareAndSwap, e.Value)
	}
	r := protocol.Request{Verb: protocol.Swap}
	d.fill(&r, &e)
	return d.swap(ctx, cache.OpCompareAndSwap, t, &r)
}

// CompareAndDelete implements [driver.Swapper].
func (d *driverCache) CompareAndDelete(ctx context.Context, key string, t any) error {
	return d.swap(ctx, cache.OpCompareAndDelete, t, &protocol.Request{Verb: protocol.DeleteIf, Key: key})
}

// swap sends a request that is to take effect only in the state of a token. It goes out on
// the connection of the token or not at all.
func (d *driverCache) swap(ctx context.Context, op cache.Op, t any, r *protocol.Request) error {
	s, err := d.cluster.Pick(ctx, r.Key)
	if err != nil {
		return d.unresolved(ctx, op, err, r.Key)
	}
	tok, err := tokenOf(op, s, t)
	if err != nil {
		return err
	}
	r.CAS = tok.cas
	call, f := s.DoOn(ctx, tok.conn, r)
	switch {
	case f != nil:
		return d.failed(op, s, r.Key, f)
	case call == nil:
		return driver.ErrConflict
	}
	defer call.Free()
	return notStored(op, s, call.Reply(), len(r.Value))
}

// getOrAddVerb returns the verb that gets or adds such an entry. Mg alone stores an empty
// value without flags.
func getOrAddVerb(value []byte, flags uint32) protocol.Verb {
	if len(value) == 0 && flags == 0 {
		return protocol.Vivify
	}
	return protocol.AddGet
}

// getOrAdd is GetOrAddMulti of one entry.
func (d *driverCache) getOrAdd(ctx context.Context, e *driver.Entry) (it driver.Item, added bool, err error) {
	const op = cache.OpGetOrAddMulti
	if len(e.Value) > memcached.MaxValue {
		return driver.Item{}, false, tooLong(op, e.Value)
	}
	var r protocol.Request
	d.fill(&r, e)
	r.Verb = getOrAddVerb(r.Value, r.Flags)
	s, call, err := d.do(ctx, op, &r)
	if err != nil {
		return driver.Item{}, false, err
	}
	defer call.Free()
	return gotOrAdded(op, s, e, call.Conn(), call.Replies())
}

// gotOrAdded reads the replies to a request that gets or adds.
func gotOrAdded(op cache.Op, s *cluster.Server, e *driver.Entry, id uint64, replies []protocol.Reply) (it driver.Item, added bool, err error) {
	got := &replies[len(replies)-1]
	if len(replies) == 2 {
		switch replies[0].Status {
		case protocol.OK:
			added = true
		case protocol.NotStored:
		default:
			return driver.Item{}, false, notStored(op, s, &replies[0], len(e.Value))
		}
	} else {
		if got.Status == protocol.Miss {
			return driver.Item{}, false, driver.Unavailable(name, op, s.Name, errNoMemory)
		}
		added = got.Added
	}
	if got.Status != protocol.Found {
		return driver.Item{}, added, refused(op, s, got)
	}
	it, err = item(op, s, e.Key, id, got)
	return it, added, err
}

var errNoMemory = errors.New("the server failed: it has no memory for the item")

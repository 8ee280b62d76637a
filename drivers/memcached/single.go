package memcached

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/cluster"
	"github.com/larder-go/larder/drivers/memcached/internal/conn"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// do sends a request to the server of its key. The caller reads the replies in the call, and
// frees it. After an error the server is nil if none could be chosen.
func (d *driverCache) do(ctx context.Context, op cache.Op, r *protocol.Request) (*cluster.Server, *conn.Call, error) {
	s, err := d.cluster.Pick(ctx, r.Key)
	if err != nil {
		return nil, nil, d.unresolved(ctx, op, err, r.Key)
	}
	call, f := s.Do(ctx, r)
	if f != nil {
		return s, nil, d.failed(op, s, r.Key, f)
	}
	return s, call, nil
}

// one sends a request whose reply says no more than whether it was done.
func (d *driverCache) one(ctx context.Context, op cache.Op, r *protocol.Request) error {
	s, call, err := d.do(ctx, op, r)
	if err != nil {
		return err
	}
	err = notStored(op, s, call.Reply(), len(r.Value))
	call.Free()
	return err
}

// Get implements [driver.Cache].
func (d *driverCache) Get(ctx context.Context, key string) ([]byte, error) {
	return d.value(ctx, cache.OpGet, &protocol.Request{Verb: protocol.Get, Key: key})
}

// GetAndTouch implements [driver.Toucher].
func (d *driverCache) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	return d.value(ctx, cache.OpGetAndTouch, &protocol.Request{
		Verb: protocol.GetAndTouch, Key: key, Expiry: memcached.ExpiryFromNow(ttl),
	})
}

// value sends a request for a value.
func (d *driverCache) value(ctx context.Context, op cache.Op, r *protocol.Request) ([]byte, error) {
	s, call, err := d.do(ctx, op, r)
	if err != nil {
		return nil, err
	}
	reply := call.Reply()
	var value []byte
	if reply.Status == protocol.Found {
		value, _, err = decode(op, s, r.Key, reply)
	} else {
		err = refused(op, s, reply)
	}
	call.Free()
	return value, err
}

// decode returns the value of an item and its kind.
func decode(op cache.Op, s *cluster.Server, key string, r *protocol.Reply) ([]byte, driver.Kind, error) {
	value, kind, err := memcached.Decode(r.Value, r.Flags)
	if err != nil {
		return nil, 0, driver.Unreadable(name, op, s.Name, key, err)
	}
	return value, kind, nil
}

// Touch implements [driver.Toucher].
func (d *driverCache) Touch(ctx context.Context, key string, ttl time.Duration) error {
	return d.one(ctx, cache.OpTouch, &protocol.Request{Verb: protocol.Touch, Key: key, Expiry: memcached.ExpiryFromNow(ttl)})
}

// storeVerb has the verb of each mode.
var storeVerb = [...]protocol.Verb{driver.Set: protocol.Set, driver.Add: protocol.Add, driver.Replace: protocol.Replace}

// Store implements [driver.Cache].
func (d *driverCache) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	if len(e.Value) > memcached.MaxValue {
		return tooLong(mode.Op(), e.Value)
	}
	r := protocol.Request{Verb: storeVerb[mode]}
	d.fill(&r, &e)
	return d.one(ctx, mode.Op(), &r)
}

// fill fills in what a store of e sends.
func (d *driverCache) fill(r *protocol.Request, e *driver.Entry) {
	r.Key = e.Key
	r.Value, r.Flags = d.dialect.Encode(e.Kind, e.Value)
	r.Expiry = memcached.ExpiryFromNow(e.TTL)
}

// Delete implements [driver.Cache].
func (d *driverCache) Delete(ctx context.Context, key string) error {
	const op = cache.OpDelete
	s, call, err := d.do(ctx, op, &protocol.Request{Verb: protocol.Delete, Key: key})
	if err != nil {
		d.remember(s, key, err)
		return err
	}
	err = refused(op, s, call.Reply())
	call.Free()
	return err
}

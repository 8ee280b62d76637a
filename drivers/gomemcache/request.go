package gomemcache

import (
	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache/internal/conn"
	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// request is a request to a server, and what the server replied. It is not a function that
// captures these, because that would be an allocation for each call.
type request struct {
	op   cache.Op
	verb verb
	key  string

	value  []byte // to be stored
	flags  uint32
	expiry int32
	delta  uint64

	// token is the condition of a swap. It is only sent over a connection that leads
	// to the server from which the token came.
	token memcached.Token

	// idempotent requests are sent again if an idle connection turns out to have been
	// closed by the server, which may have carried out the first one.
	idempotent bool

	// exchange does the requests of the driver itself.
	exchange func(c *conn.Conn) error

	item  *memcache.Item // the reply to a get
	count uint64         // and to a count
	epoch epoch.Number   // in which they were read
}

// verb is the kind of a request.
type verb uint8

const (
	verbExchange verb = iota // the driver itself sends it
	verbGet
	verbGetAndTouch
	verbSet
	verbAdd
	verbReplace
	verbSwap
	verbDelete
	verbTouch
	verbIncrement
	verbDecrement
	verbFlush
	verbPing
)

var storeVerbs = [...]verb{driver.Set: verbSet, driver.Add: verbAdd, driver.Replace: verbReplace}

// stores reports whether the request stores a value.
func (v verb) stores() bool { return verbSet <= v && v <= verbSwap }

// values returns how many values the reply may have.
func (v verb) values() int {
	if v == verbGet || v == verbGetAndTouch {
		return 1
	}
	return 0
}

// send sends the request over c and receives the reply. It returns nil, a sentinel of
// package driver, or an error of the library.
func (r *request) send(c *conn.Conn) (err error) {
	switch r.verb {
	case verbExchange:
		return r.exchange(c)
	case verbGet:
		r.item, err = c.Client.Get(r.key)
	case verbGetAndTouch:
		r.item, err = c.Client.GetAndTouch(r.key, r.expiry)
	case verbDelete:
		err = c.Client.Delete(r.key)
		if err == nil && string(c.Reply().Status()) != "DELETED" {
			return c.Fail(wire.Unexpected(c.Reply().Status())) // the library takes OK as well
		}
	case verbTouch:
		err = c.Client.Touch(r.key, r.expiry)
	case verbIncrement:
		r.count, err = c.Client.Increment(r.key, r.delta)
	case verbDecrement:
		r.count, err = c.Client.Decrement(r.key, r.delta)
	case verbFlush:
		err = c.Client.FlushAll()
	case verbPing:
		err = c.Client.Ping()
	default:
		err = r.store(c)
	}
	if err == nil && r.item != nil && r.item.Key != r.key {
		return c.Fail(wire.ErrForeignKey) // the library does not check the key
	}
	return r.verb.sentinel(err)
}

// store sends a request that stores an item.
func (r *request) store(c *conn.Conn) error {
	c.Item = memcache.Item{Key: r.key, Value: r.value, Flags: r.flags, Expiration: r.expiry, CasID: r.token.CAS}
	switch r.verb {
	case verbAdd:
		return c.Client.Add(&c.Item)
	case verbReplace:
		return c.Client.Replace(&c.Item)
	case verbSwap:
		return c.Client.CompareAndSwap(&c.Item)
	}
	return c.Client.Set(&c.Item)
}

// sentinel returns the error of package driver that means the same as one of the library, if
// the server may reply so to a request of this kind.
func (v verb) sentinel(err error) error {
	switch {
	case err == memcache.ErrCacheMiss && !v.stores() || err == memcache.ErrCacheMiss && v == verbSwap:
		return driver.ErrMiss
	case err == memcache.ErrNotStored && (v == verbAdd || v == verbReplace):
		return driver.ErrNotStored
	case err == memcache.ErrCASConflict && v == verbSwap:
		return driver.ErrConflict
	}
	return err
}

package gomemcache

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// The library has no stores and deletes of many keys, and calling it for one key after
// the other takes a round trip each. So these requests are written here, and sent many
// in one piece over one connection to each server; the answers come in the same order.
//
// A server gets no more than this at a time: the answers to it fit into the buffers of
// a connection, so that neither side waits for the other to read, and the context is
// looked at in between.
const (
	maxRequests = 128
	maxRequest  = 64 << 10 // bytes, unless one request alone is longer
)

// pipeline is a batch of requests, numbered from 0, with an answer of one line each.
type pipeline struct {
	request
	append func(b []byte, i int) []byte
	// answer turns a line into the error of its key. If it is not known what the
	// server means by it, nothing that comes after it is either.
	answer func(s *server, line []byte) (err error, known bool)
	errs   []error // by number; what has one at the start is not sent
	failed atomic.Bool
}

func (p *pipeline) fail(i int, err error) {
	if err != nil {
		p.errs[i] = err
		p.failed.Store(true)
	}
}

func (d *driverCache) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	p := &pipeline{
		errs:    make([]error, len(entries)),
		request: request{op: mode.MultiOp(), batch: true, again: mode != driver.Add},
		append: func(b []byte, i int) []byte {
			return d.appendStore(b, mode, entries[i])
		},
		answer: func(s *server, line []byte) (error, bool) {
			switch {
			case string(line) == "STORED":
				return nil, true
			case string(line) == "NOT_STORED" && mode != driver.Set:
				return driver.ErrNotStored, true
			case bytes.HasPrefix(line, tooLarge):
				return driver.ErrTooLarge, true
			case bytes.HasPrefix(line, outOfMemory):
				// There may be room for another one, of another size.
				return driver.Unavailable(driverName, mode.MultiOp(), s.addr, unexpected(line)), true
			}
			return nil, false
		},
	}
	for i, e := range entries {
		if len(e.Value) > memcached.MaxValue {
			p.fail(i, driver.ErrTooLarge)
		}
	}
	return d.pipeline(ctx, p, func(i int) string { return entries[i].Key })
}

var outOfMemory = []byte("SERVER_ERROR out of memory storing object")

func (d *driverCache) appendStore(b []byte, mode driver.Mode, e driver.Entry) []byte {
	value, flags := d.dialect.Encode(e.Kind, e.Value)
	b = append(b, mode.String()...)
	b = append(b, ' ')
	b = append(b, e.Key...)
	b = append(b, ' ')
	b = strconv.AppendUint(b, uint64(flags), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(memcached.ExpiryFromNow(e.TTL)), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(value)), 10)
	b = append(b, "\r\n"...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

func (d *driverCache) DeleteMulti(ctx context.Context, keys []string) []error {
	p := &pipeline{
		errs:    make([]error, len(keys)),
		request: request{op: cache.OpDeleteMulti, batch: true, again: true},
		append: func(b []byte, i int) []byte {
			b = append(b, "delete "...)
			b = append(b, keys[i]...)
			return append(b, "\r\n"...)
		},
		answer: func(_ *server, line []byte) (error, bool) {
			return nil, string(line) == "DELETED" || string(line) == "NOT_FOUND"
		},
	}
	return d.pipeline(ctx, p, func(i int) string { return keys[i] })
}

// pipeline runs p and returns its errors, or nil if there are none.
func (d *driverCache) pipeline(ctx context.Context, p *pipeline, key func(int) string) []error {
	d.onServers(len(p.errs), key, func(s *server, part []int) { s.pipeline(ctx, p, part) })
	if !p.failed.Load() {
		return nil
	}
	return p.errs
}

// pipeline runs those requests of p that part lists. When the server fails, its error
// stands for the keys that it was not yet asked about: a server that is silent costs one
// timeout and not one for each key.
func (s *server) pipeline(ctx context.Context, p *pipeline, part []int) {
	part = slices.DeleteFunc(part, func(i int) bool { return p.errs[i] != nil })
	var b []byte
	for len(part) > 0 {
		n := 0
		for b = b[:0]; n < min(len(part), maxRequests) && len(b) < maxRequest; n++ {
			b = p.append(b, part[n])
		}
		answered, err := s.exchange(ctx, p, b, part[:n])
		if err != nil {
			for _, i := range part[answered:] {
				p.fail(i, err)
			}
			return
		}
		part = part[n:]
	}
}

// exchange sends the requests in b, which are those that part lists, and returns how
// many were answered.
func (s *server) exchange(ctx context.Context, p *pipeline, b []byte, part []int) (answered int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, s.error(p.op, err)
	}
	err = s.do(ctx, p.request, func(c *session) error {
		return c.exchange(b, len(part), func(i int, line []byte) error {
			err, known := p.answer(s, line)
			if !known {
				return unexpected(line)
			}
			p.fail(part[i], err)
			answered++
			return nil
		})
	})
	return answered, err
}

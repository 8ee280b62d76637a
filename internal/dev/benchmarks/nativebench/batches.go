package nativebench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	ourgomemcache "github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Batch is one operation on many keys: ms for each way to do it.
type Batch struct {
	Op    string
	Times map[string]report.Sample
}

// The ways to do a batch besides nameLarder.
const (
	nameHand    = "by hand"
	nameTextual = "larder/gomemcache"
)

const (
	batchKeys  = 1000
	wires      = 10_000
	writers    = 64
	writerAdds = 20
)

// many is a cache with a dependency.
type many struct {
	c *cache.Cache
	d *dependency.Dependency
}

func newMany(c *cache.Cache, err error) (*many, error) {
	if err != nil {
		return nil, err
	}
	d, err := dependency.New(c, ttl)
	return &many{c, d}, err
}

// runBatches compares batches with requests that are written by hand: one pipelined write,
// and the replies read as they come.
func (r *Results) runBatches(o Options) (err error) {
	s, err := startServers("unix")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ours, err := newMany(memcached.New(memcached.Config{Servers: []string{s.memcached}, Timeout: timeout}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.c.Close()) }()
	textual, err := newMany(ourgomemcache.New(ourgomemcache.Config{Servers: []string{s.memcached}, Timeout: timeout, MaxIdleConns: idle}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, textual.c.Close()) }()
	hand, err := dialHand(s.network, s.memcached)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, hand.c.Close()) }()

	rounds := 21
	if o.Quick {
		rounds = 3
	}
	value := workload.Value(workload.Rand(1), valueSize)
	for _, b := range []struct {
		op   string
		from []string // who takes part
		do   func(name string, round int) (time.Duration, error)
	}{
		{"add, set, get and delete of 1,000 keys", nil, nil},
		{"dependency: delete of 10,000 wires", []string{nameLarder, nameTextual, nameHand}, func(name string, round int) (time.Duration, error) {
			return drop(map[string]*many{nameLarder: ours, nameTextual: textual}[name], ours, hand, round)
		}},
		{"dependency: 1,280 adds to one master, 64 writers", []string{nameLarder, nameTextual}, func(name string, round int) (time.Duration, error) {
			return addTogether(map[string]*many{nameLarder: ours, nameTextual: textual}[name], round)
		}},
	} {
		if b.do == nil {
			if err := r.simpleBatches(ours, textual, hand, value, rounds); err != nil {
				return err
			}
			continue
		}
		res := Batch{b.op, map[string]report.Sample{}}
		for round := range rounds/3 + 2 {
			for i := range b.from {
				name := b.from[(i+round)%len(b.from)]
				took, err := b.do(name, round)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", b.op, name, err)
				}
				if round > 0 {
					res.Times[name] = append(res.Times[name], took.Seconds()*1e3)
				}
			}
		}
		r.Batches = append(r.Batches, res)
	}
	return nil
}

// simpleBatches measures add, set, get and delete, in that order for each way.
func (r *Results) simpleBatches(ours, textual *many, hand *hand, value []byte, rounds int) error {
	ops := []string{"add", "set", "get", "delete"}
	all := make([]Batch, len(ops))
	for i, op := range ops {
		all[i] = Batch{op + " of 1,000 keys", map[string]report.Sample{}}
	}
	names := []string{nameLarder, nameTextual, nameHand}
	for round := range rounds + 1 {
		for i := range names {
			name := names[(i+round)%len(names)]
			keys := make([]string, batchKeys)
			values := map[string][]byte{}
			for k := range keys {
				keys[k] = fmt.Sprint("batch-", round, "-", i, "-", k)
				values[keys[k]] = value
			}
			for at, op := range ops {
				began := time.Now()
				var err error
				if name == nameHand {
					err = hand.batch(op, keys, value)
				} else {
					err = map[string]*many{nameLarder: ours, nameTextual: textual}[name].batch(op, keys, values)
				}
				took := time.Since(began)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", op, name, err)
				}
				if round > 0 {
					all[at].Times[name] = append(all[at].Times[name], took.Seconds()*1e3)
				}
			}
		}
	}
	r.Batches = append(r.Batches, all...)
	return nil
}

func (m *many) batch(op string, keys []string, values map[string][]byte) error {
	ctx := context.Background()
	switch op {
	case "add":
		return m.c.AddMulti(ctx, values, ttl)
	case "set":
		return m.c.SetMulti(ctx, values, ttl)
	case "delete":
		return m.c.DeleteMulti(ctx, keys)
	}
	found, err := m.c.GetMulti(ctx, keys)
	if err == nil && len(found) != len(keys) {
		err = fmt.Errorf("%d of %d keys found", len(found), len(keys))
	}
	return err
}

// drop deletes a master with many wires: with m, or by hand if it is nil.
func drop(m, filler *many, h *hand, round int) (time.Duration, error) {
	master := fmt.Sprintf("master-%d-%t:", round, m == nil)
	keys := make([]string, wires)
	values := map[string][]byte{}
	for i := range keys {
		keys[i] = fmt.Sprint("wired-", i)
		values[keys[i]] = []byte("x")
	}
	ctx := context.Background()
	if err := errors.Join(filler.c.SetMulti(ctx, values, ttl), filler.d.AddMulti(ctx, master, keys)); err != nil {
		return 0, err
	}
	began := time.Now()
	if m != nil {
		err := m.d.Delete(ctx, master)
		return time.Since(began), err
	}
	err := h.drop(master, keys)
	return time.Since(began), err
}

// addTogether lets many writers add to one master.
func addTogether(m *many, round int) (time.Duration, error) {
	master := fmt.Sprintf("shared-%d:", round)
	ctx := context.Background()
	errs := make([]error, writers)
	began := time.Now()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range writerAdds {
				errs[w] = errors.Join(errs[w], m.d.Add(ctx, master, fmt.Sprint("k", w, "-", i)))
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	return took, errors.Join(append(errs, m.d.Delete(ctx, master))...)
}

// hand writes requests by hand.
type hand struct {
	c   net.Conn
	in  *bufio.Reader
	out []byte
}

func dialHand(network, addr string) (*hand, error) {
	c, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	return &hand{c: c, in: bufio.NewReaderSize(c, 64<<10)}, nil
}

func (h *hand) batch(op string, keys []string, value []byte) error {
	h.out = h.out[:0]
	for _, k := range keys {
		switch op {
		case "get":
			h.out = append(append(append(h.out, "mg "...), k...), " v f\r\n"...)
		case "delete":
			h.out = append(append(append(h.out, "md "...), k...), "\r\n"...)
		case "set":
			h.out = appendSet(h.out, k, value)
		case "add":
			h.out = append(append(append(h.out, "ms "...), k...), ' ')
			h.out = append(strconv.AppendInt(h.out, int64(len(value)), 10), " T600 ME\r\n"...)
			h.out = append(append(h.out, value...), "\r\n"...)
		}
	}
	found := map[string][]byte{}
	return h.pipe(len(keys), func(i int, line, data []byte) {
		if data != nil {
			found[keys[i]] = data
		}
	})
}

// pipe writes what was gathered while it reads n replies.
func (h *hand) pipe(n int, each func(i int, line, data []byte)) error {
	written := make(chan error, 1)
	go func() {
		_, err := h.c.Write(h.out)
		written <- err
	}()
	for i := range n {
		line, err := h.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line[0] != 'V' {
			each(i, line, nil)
			continue
		}
		size, at := 0, 3
		for ; line[at] >= '0' && line[at] <= '9'; at++ {
			size = size*10 + int(line[at]-'0')
		}
		first := append([]byte(nil), line...)
		data := make([]byte, size+2)
		if _, err := io.ReadFull(h.in, data); err != nil {
			return err
		}
		each(i, first, data[:size])
	}
	return <-written
}

// drop does what Dependency.Delete does: the master, the slots with their CAS ids, the keys,
// then slots and master if they are as they were.
func (h *hand) drop(master string, keys []string) error {
	get := func(k string) { h.out = append(append(append(h.out, "mg "...), k...), " v f c\r\n"...) }
	cas := func(line []byte) []byte {
		for i := 0; i+1 < len(line); i++ {
			if line[i] == ' ' && line[i+1] == 'c' {
				return append([]byte(nil), line[i+2:len(line)-2]...)
			}
		}
		return nil
	}
	var masterCAS []byte
	h.out = h.out[:0]
	get(master)
	if err := h.pipe(1, func(_ int, line, _ []byte) { masterCAS = cas(line) }); err != nil {
		return err
	}
	slots, wired := make([][]byte, len(keys)), make([][]byte, len(keys))
	h.out = h.out[:0]
	for i := range keys {
		get(master + strconv.Itoa(i+1))
	}
	if err := h.pipe(len(keys), func(i int, line, data []byte) { slots[i], wired[i] = cas(line), data }); err != nil {
		return err
	}
	for range 2 {
		h.out = h.out[:0]
		for i := range keys {
			if wired != nil {
				h.out = append(append(append(h.out, "md "...), wired[i]...), "\r\n"...)
				continue
			}
			h.out = append(append(append(h.out, "md "...), master...), strconv.Itoa(i+1)...)
			h.out = append(append(append(h.out, " C"...), slots[i]...), "\r\n"...)
		}
		if err := h.pipe(len(keys), func(int, []byte, []byte) {}); err != nil {
			return err
		}
		wired = nil
	}
	h.out = append(append(append(append(h.out[:0], "md "...), master...), " C"...), masterCAS...)
	h.out = append(h.out, "\r\n"...)
	return h.pipe(1, func(int, []byte, []byte) {})
}

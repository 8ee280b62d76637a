package valkeybench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// The names of what is compared: a value that the near view keeps, and a round trip.
const (
	nameNear  = "near view, kept"
	nameRound = "larder/valkey"
)

func (r *Results) runNear(o Options) (err error) {
	s, err := startServer(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ours, err := newLarder(valkey.Config{Servers: []string{s.addr}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	near, err := valkey.Near(ours.cache, valkey.NearConfig{})
	if err != nil {
		return err
	}
	value := workload.Value(workload.Rand(1), valueSize)
	keys := make([]string, singleKeys)
	for i := range keys {
		keys[i] = workload.Key(i)
	}
	if err := ours.setAll(valuesOf(keys, value)); err != nil {
		return err
	}
	if _, err := near.GetMulti(ctx, keys); err != nil {
		return err
	}
	for _, goroutines := range []int{1, 8, 64} {
		row, err := turns(Row{Op: "get", N: goroutines}, []string{nameNear, nameRound}, rounds(o), func(name string) (float64, float64, error) {
			c := ours.cache
			if name == nameNear {
				c = near
			}
			get := func(key string) error {
				_, err := c.Get(ctx, key)
				return err
			}
			return timeSingle(get, keys, goroutines, 200*time.Millisecond)
		})
		if err != nil {
			return err
		}
		r.Near = append(r.Near, row)
	}
	for _, maxAge := range []time.Duration{100 * time.Millisecond, time.Second} {
		for _, cut := range []bool{false, true} {
			row, err := staleness(o, s.addr, maxAge, cut)
			if err != nil {
				return err
			}
			r.Stale = append(r.Stale, row)
		}
	}
	return nil
}

// A Stale is the time for which a near view returned a value after another program had changed it.
type Stale struct {
	MaxAge time.Duration
	Cut    bool // the connection of the view is cut at the time of the change
	Rounds int
	Often  int           // rounds in which the old value was returned after the change was confirmed
	For    report.Sample // ms after the confirmation, at the last read that returned it
}

// staleness changes a value again and again, and reads it from a near view meanwhile.
func staleness(o Options, addr string, maxAge time.Duration, cut bool) (Stale, error) {
	row := Stale{MaxAge: maxAge, Cut: cut, Rounds: 20}
	if !cut {
		row.Rounds = 500
	}
	if o.Quick {
		row.Rounds /= 5
	}
	writer, err := newLarder(valkey.Config{Servers: []string{addr}})
	if err != nil {
		return row, err
	}
	defer writer.close()
	for round := 0; round < row.Rounds && err == nil; {
		err = row.measure(writer, addr, &round)
	}
	return row, err
}

// measure opens a view through a relay, and measures one round if the relay is cut, all of
// them otherwise.
func (row *Stale) measure(writer *larder, addr string, round *int) error {
	relay, err := startRelay(addr)
	if err != nil {
		return err
	}
	defer relay.close()
	c, err := newLarder(valkey.Config{Servers: []string{relay.addr()}})
	if err != nil {
		return err
	}
	defer c.close()
	near, err := valkey.Near(c.cache, valkey.NearConfig{MaxAge: row.MaxAge})
	if err != nil {
		return err
	}
	for ; *round < row.Rounds; *round++ {
		old, changed := fmt.Sprint("old", *round), fmt.Sprint("new", *round)
		if err := writer.set("stale", []byte(old)); err != nil {
			return err
		}
		// Until it is kept, and for a time that differs from round to round.
		unit := time.Millisecond
		if row.Cut {
			unit = row.MaxAge / 7
		}
		for end := time.Now().Add(time.Duration(*round%7) * unit); time.Now().Before(end) || string(get(near, row.MaxAge)) != old; {
			get(near, row.MaxAge)
		}
		if row.Cut {
			relay.mute.Store(true)
		}
		if err := writer.set("stale", []byte(changed)); err != nil {
			return err
		}
		confirmed, last := time.Now(), time.Duration(-1)
		for {
			began := time.Now()
			if v := get(near, row.MaxAge/4); string(v) != old {
				break
			}
			last = began.Sub(confirmed)
		}
		if last >= 0 {
			row.Often++
			row.For = append(row.For, float64(last.Microseconds())/1000)
		}
		if row.Cut {
			*round++
			break
		}
	}
	return nil
}

type getter interface {
	Get(ctx context.Context, key string) ([]byte, error)
}

// get returns the value, or nil if there is none in time.
func get(c getter, within time.Duration) []byte {
	short, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	v, _ := c.Get(short, "stale")
	return v
}

// A relay passes on what a client and a server send, until it is mute: then nothing.
type relay struct {
	listener net.Listener
	mute     atomic.Bool
}

func startRelay(server string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l}
	go func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", server)
			if err != nil {
				a.Close()
				continue
			}
			go r.pass(a, b)
			go r.pass(b, a)
		}
	}()
	return r, nil
}

func (r *relay) addr() string { return r.listener.Addr().String() }
func (r *relay) close()       { r.listener.Close() }

func (r *relay) pass(to, from net.Conn) {
	defer to.Close()
	_, _ = io.Copy(writerFunc(func(p []byte) (int, error) {
		if r.mute.Load() {
			return len(p), nil
		}
		return to.Write(p)
	}), from)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// staleTable shows how stale values were.
func staleTable(rows []Stale) string {
	t := report.Table{Head: []string{"MaxAge", "the connection", "changes", "old value returned after the confirmation", "for, ms", "at worst, ms"}}
	for _, row := range rows {
		connection, lasted, worst := "works", "-", "-"
		if row.Cut {
			connection = "is cut"
		}
		if len(row.For) > 0 {
			lasted, worst = fmt.Sprintf("%.1f", row.For.Median()), fmt.Sprintf("%.1f", row.For.Max())
		}
		t.Add(row.MaxAge.String(), connection, fmt.Sprint(row.Rounds), fmt.Sprintf("%.0f %%", 100*float64(row.Often)/float64(row.Rounds)), lasted, worst)
	}
	return t.String()
}

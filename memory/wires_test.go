package memory

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
)

func (s *store) mustWire(t *testing.T, master string, number uint64, item string) {
	t.Helper()
	if err := s.addWire(master, number, item); err != nil && err != local.ErrEvicted {
		t.Fatalf("wire %s to %s: %v", item, master, err)
	}
}

func (s *store) addWire(master string, number uint64, item string) error {
	return s.AddWire(local.Wire{
		Entry:  driver.Entry{Key: master + strconv.FormatUint(number, 10), Value: []byte(item), TTL: time.Hour, Kind: driver.Text},
		Master: master, Item: item, Number: number,
	})
}

// A wire and its master stay while the item is there, whatever is stored beside them, and
// leave when it has gone.
func TestWiresStayWithTheirItems(t *testing.T) {
	for name, c := range map[string]Config{
		"entries": {MaxEntries: 100},
		"bytes":   {MaxBytes: MinMaxBytes},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDriver(c)
			defer s.Close()
			const wired = 10
			key := func(i int) string { return fmt.Sprint("item", i) }
			for i := range wired {
				s.mustSet(t, key(i), "v", 0)
				s.mustSet(t, fmt.Sprint("m", i, ":"), "1", 0)
				s.mustWire(t, fmt.Sprint("m", i, ":"), 1, key(i))
			}
			for i := range 5000 {
				s.mustSet(t, fmt.Sprint("other", i), "v", 0)
				for j := range wired {
					master := fmt.Sprint("m", j, ":")
					if s.Has(key(j)) && !(s.Has(master) && s.Has(master+"1")) {
						t.Fatalf("%s is there, and its master or its wire is not", key(j))
					}
					if j < wired/2 {
						_, _ = s.Get(ctx, key(j)) // in use, so that it stays
					}
				}
			}
			s.consistent(t)
			for j := range wired {
				_ = s.Delete(ctx, key(j))
			}
			for i := range 5000 {
				s.mustSet(t, fmt.Sprint("more", i), "v", 0)
			}
			if n := s.wireCount(); n > 0 {
				t.Errorf("%d wires and masters are left without items", n)
			}
			s.consistent(t)
		})
	}
}

// wireCount returns how many wires and masters there are.
func (s *store) wireCount() (n int) {
	for i := range s.shards {
		n += s.shards[i].log.wires.entries
	}
	return n
}

// A second wire between an item and its master renews the first.
func TestWireIsRenewed(t *testing.T) {
	s := newDriver(Config{MaxEntries: 100})
	defer s.Close()
	s.mustSet(t, "item", "v", 0)
	s.mustSet(t, "m:", "2", 0)
	s.mustWire(t, "m:", 1, "item")
	it, err := s.GetItem(ctx, "m:1")
	if err != nil {
		t.Fatal(err)
	}
	s.mustWire(t, "m:", 2, "item")
	s.wantMiss(t, "m:2")
	if err := s.CompareAndDelete(ctx, "m:1", it.Token); err != driver.ErrConflict {
		t.Errorf("the wire is in its old state: %v, want ErrConflict", err)
	}
	s.consistent(t)
}

// A wire of a higher number belongs to a master that was deleted since: the present one
// does not count so far, so its Delete would not look there.
func TestWireOfADeletedMasterIsNotRenewed(t *testing.T) {
	s := newDriver(Config{MaxEntries: 100})
	defer s.Close()
	s.mustSet(t, "item", "v", 0)
	s.mustSet(t, "m:", "5", 0)
	s.mustWire(t, "m:", 5, "item")
	s.mustSet(t, "m:", "2", 0)
	s.mustWire(t, "m:", 2, "item")
	if !s.Has("m:2") {
		t.Error("the wire of slot 5 took the place of that of slot 2")
	}
	s.consistent(t)
}

// When wires take all that they may, the item goes instead of being wired; a master that
// has wires is refused as an item.
func TestNoRoomForWires(t *testing.T) {
	s := newDriver(Config{MaxEntries: 8})
	defer s.Close()
	s.mustSet(t, "m:", "1", 0)
	for i := range uint64(100) {
		item := fmt.Sprint("item", i)
		s.mustSet(t, item, "v", 0)
		s.mustWire(t, "m:", i+1, item)
		if s.Has(item) && !s.Has(fmt.Sprint("m:", i+1)) {
			t.Fatalf("%s stays without its wire", item)
		}
	}
	s.consistent(t)
}

// Many goroutines wire, store, delete, count, touch and flush: no item that was wired is
// ever there without its wire and master, unless one of the three was deleted.
func TestWiresUnderContention(t *testing.T) {
	for name, c := range map[string]Config{
		"1 entry":      {MaxEntries: 1},
		"10 entries":   {MaxEntries: 10},
		"3000 entries": {MaxEntries: 3000},
		"64 KiB":       {MaxBytes: MinMaxBytes},
		"64 MiB":       {MaxBytes: 64 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDriver(c)
			defer s.Close()
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(uint64(g), 2))
					for i := range 1500 {
						item, master := fmt.Sprint("item", r.IntN(300)), fmt.Sprint("m", r.IntN(40), ":")
						switch r.IntN(8) {
						case 0:
							_ = s.Delete(ctx, item)
						case 1:
							_ = s.Delete(ctx, master)
						case 2:
							_ = s.Touch(ctx, master+strconv.Itoa(r.IntN(20)), time.Hour)
						case 3:
							_, _ = s.Get(ctx, item)
						case 4:
							if i%500 == 0 {
								_ = s.Flush(ctx)
							}
						default:
							s.set(t, item, string(make([]byte, r.IntN(400))))
							_ = s.Store(ctx, driver.Add, driver.Entry{Key: master, Value: []byte("0"), Kind: driver.Number})
							n, err := s.Increment(ctx, master, 1)
							if err == nil {
								err = s.addWire(master, n, item)
							}
							if err != nil && err != driver.ErrMiss && err != driver.ErrNotStored && err != local.ErrEvicted {
								t.Error(err)
							}
						}
					}
				})
			}
			wg.Wait()
			s.consistent(t)
		})
	}
}

func (s *store) set(t *testing.T, key, value string) {
	t.Helper()
	if err := s.Store(ctx, driver.Set, driver.Entry{Key: key, Value: []byte(value)}); err != nil {
		t.Errorf("set %s: %v", key, err)
	}
}

package memory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// fingerprinted makes a value of some length that says which key it belongs to and whether it
// is whole.
func fingerprinted(key string, length int) []byte {
	v := make([]byte, 8+len(key)+length)
	binary.LittleEndian.PutUint32(v, uint32(len(key)))
	copy(v[8:], key)
	for i := 8 + len(key); i < len(v); i++ {
		v[i] = byte(rand.Uint32())
	}
	binary.LittleEndian.PutUint32(v[4:], crc32.ChecksumIEEE(v[8:]))
	return v
}

func intact(key string, v []byte) error {
	if len(v) < 8+len(key) || binary.LittleEndian.Uint32(v) != uint32(len(key)) || string(v[8:8+len(key)]) != key {
		return errors.New("foreign bytes")
	}
	if binary.LittleEndian.Uint32(v[4:]) != crc32.ChecksumIEEE(v[8:]) {
		return errors.New("torn bytes")
	}
	return nil
}

// No reader ever sees torn or foreign bytes, now or later, while writers overwrite in
// place and by appending, delete, evict, expire, compact, rebuild tables and flush.
func TestNoTornOrForeignBytes(t *testing.T) {
	for name, c := range map[string]Config{
		"unbounded": {},
		"entries":   {MaxEntries: 300},
		"bytes":     {MaxBytes: 96 << 10},
		"expiring":  {BucketInterval: 2 * time.Millisecond, Buckets: 2},
	} {
		for _, mask := range []uint64{1<<64 - 1, 0xff} {
			t.Run(fmt.Sprintf("%s/%x", name, mask), func(t *testing.T) {
				s := newDriver(c)
				s.hashMask = mask
				hammer(t, s, mask == 0xff)
			})
		}
	}
}

func hammer(t *testing.T, s *store, few bool) {
	n, rounds := 1000, 1200
	if few {
		n, rounds = 60, 600 // every search is long
	}
	var stop atomic.Bool
	var writers, readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			type held struct {
				key   string
				value []byte
			}
			var kept [256]held
			for i := 0; !stop.Load(); i++ {
				key := fmt.Sprint("key", rand.IntN(n))
				item, err := s.GetItem(ctx, key)
				if err != nil {
					continue
				}
				if err := intact(key, item.Value); err != nil {
					t.Errorf("%s: %v", key, err)
					return
				}
				if i%8 == 0 {
					_ = s.CompareAndSwap(ctx, item.Token, driver.Entry{Key: key, Value: item.Value})
				}
				h := &kept[rand.IntN(len(kept))]
				if h.value != nil {
					if err := intact(h.key, h.value); err != nil {
						t.Errorf("%s, held for a while: %v", h.key, err)
						return
					}
				}
				*h = held{key, item.Value}
			}
		})
	}
	for range 2 {
		writers.Go(func() {
			for i := range rounds {
				key := fmt.Sprint("key", rand.IntN(n))
				length := 32 // most often equal, so that overwriting in place has its chance
				if rand.IntN(4) == 0 {
					length = rand.IntN(3000)
				}
				ttl := time.Duration(0)
				if rand.IntN(2) == 0 {
					ttl = time.Duration(1 + rand.IntN(5_000_000))
				}
				var err error
				switch rand.IntN(10) {
				case 0:
					err = s.Delete(ctx, key)
				case 1:
					err = s.Touch(ctx, key, ttl)
				case 2:
					err = s.Store(ctx, driver.Add, driver.Entry{Key: key, Value: fingerprinted(key, length)})
				default:
					err = s.Store(ctx, driver.Set, driver.Entry{Key: key, Value: fingerprinted(key, length), TTL: ttl})
				}
				if err != nil && err != driver.ErrMiss && err != driver.ErrNotStored {
					t.Error(err)
				}
				if i%1000 == 500 {
					_ = s.Flush(ctx)
				}
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
	s.consistent(t)
}

package filecache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// These say at compile time which of the optional interfaces the driver has: a
// mistyped method would otherwise just be an ability that is not found.
var (
	_ driver.Cache   = (*folder)(nil)
	_ driver.Swapper = (*folder)(nil)
	_ driver.Toucher = (*folder)(nil)
	_ driver.Pinger  = (*folder)(nil)
)

// folder is the driver.
//
// A file is replaced by renaming another over it, so that reading needs no lock: a
// reader has the old file or the new one. Whoever writes after having looked holds
// the lock of the key from the look to the rename.
type folder struct {
	dir   string
	locks [64]sync.Mutex // by the checksum of the file's name
	sweep sweeper
}

// Get returns the value of key.
func (f *folder) Get(_ context.Context, key string) ([]byte, error) {
	r, err := f.read(driver.OpGet, fileName(key))
	return r.value, err
}

// GetItem returns the value of key with its version as the token.
func (f *folder) GetItem(_ context.Context, key string) (driver.Item, error) {
	r, err := f.read(driver.OpGetItem, fileName(key))
	if err != nil {
		return driver.Item{}, err
	}
	return driver.Item{Value: r.value, Kind: r.kind, Token: r.version}, nil
}

// Store writes an entry if mode allows it.
func (f *folder) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	op, file := mode.Op(), fileName(e.Key)
	err := f.locked(file, func() error {
		if mode != driver.Set {
			_, err := f.read(op, file)
			if err != nil && !errors.Is(err, driver.ErrMiss) {
				return err
			}
			if present := err == nil; present != (mode == driver.Replace) {
				return driver.ErrNotStored
			}
		}
		return f.write(op, file, record{kind: e.Kind, expires: expiry(e.TTL), value: e.Value})
	})
	if err != nil {
		return err
	}
	return f.removeSomeExpired(op)
}

// Delete removes the file of key.
func (f *folder) Delete(_ context.Context, key string) error {
	file := fileName(key)
	return f.locked(file, func() error {
		if _, err := f.read(driver.OpDelete, file); err != nil {
			return err // an expired item is a miss
		}
		return f.remove(driver.OpDelete, file)
	})
}

// Increment adds to a counter.
func (f *folder) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	return f.count(driver.OpIncrement, key, func(n uint64) uint64 { return n + delta })
}

// Decrement subtracts from a counter, down to 0.
func (f *folder) Decrement(_ context.Context, key string, delta uint64) (uint64, error) {
	return f.count(driver.OpDecrement, key, func(n uint64) uint64 { return n - min(n, delta) })
}

func (f *folder) count(op driver.Op, key string, change func(uint64) uint64) (n uint64, err error) {
	err = f.change(op, key, func(r *record) error {
		n, err = strconv.ParseUint(string(r.value), 10, 64)
		if err != nil {
			return driver.ErrNotNumber
		}
		n = change(n)
		r.value = strconv.AppendUint(nil, n, 10)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Touch gives key a new TTL.
func (f *folder) Touch(_ context.Context, key string, ttl time.Duration) error {
	return f.change(driver.OpTouch, key, func(r *record) error {
		r.expires = expiry(ttl)
		return nil
	})
}

// GetAndTouch returns the value of key and gives it a new TTL.
func (f *folder) GetAndTouch(_ context.Context, key string, ttl time.Duration) (value []byte, err error) {
	err = f.change(driver.OpGetAndTouch, key, func(r *record) error {
		value, r.expires = r.value, expiry(ttl)
		return nil
	})
	return value, err
}

// CompareAndSwap stores e over the version that token is.
func (f *folder) CompareAndSwap(_ context.Context, token any, e driver.Entry) error {
	return f.change(driver.OpCompareAndSwap, e.Key, func(r *record) error {
		if r.version != token {
			return driver.ErrConflict
		}
		*r = record{kind: e.Kind, expires: expiry(e.TTL), value: e.Value}
		return nil
	})
}

// CompareAndDelete removes the version that token is.
func (f *folder) CompareAndDelete(_ context.Context, key string, token any) error {
	const op = driver.OpCompareAndDelete
	file := fileName(key)
	return f.locked(file, func() error {
		r, err := f.read(op, file)
		if err != nil {
			return err
		}
		if r.version != token {
			return driver.ErrConflict
		}
		return f.remove(op, file)
	})
}

// Ping reports whether the folder can be written to.
func (f *folder) Ping(context.Context) error {
	temp, err := os.CreateTemp(f.dir, "*"+tempSuffix)
	if err != nil {
		return outage(driver.OpPing, err)
	}
	if err := errors.Join(temp.Close(), os.Remove(temp.Name())); err != nil {
		return outage(driver.OpPing, err)
	}
	return nil
}

// Flush removes every item.
func (f *folder) Flush(context.Context) error {
	for i := range f.locks {
		f.locks[i].Lock()
		defer f.locks[i].Unlock()
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return outage(driver.OpFlush, err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), itemSuffix) {
			continue // of somebody else, or not yet an item
		}
		if err := f.remove(driver.OpFlush, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Close lets go of the folder and leaves the files: they are there at the next start.
func (f *folder) Close() error { return f.sweep.close() }

// change rewrites an item that is there, atomically.
func (f *folder) change(op driver.Op, key string, edit func(*record) error) error {
	file := fileName(key)
	return f.locked(file, func() error {
		r, err := f.read(op, file)
		if err != nil {
			return err
		}
		if err := edit(&r); err != nil {
			return err
		}
		return f.write(op, file, r)
	})
}

func (f *folder) locked(file string, do func() error) error {
	l := &f.locks[crc32.ChecksumIEEE([]byte(file))%uint32(len(f.locks))]
	l.Lock()
	defer l.Unlock()
	return do()
}

// The cache touches no file whose name ends otherwise, whatever folder it is given.
const (
	itemSuffix = ".item"
	tempSuffix = ".temp"
)

// read returns the live item in file, or ErrMiss.
func (f *folder) read(op driver.Op, file string) (record, error) {
	b, err := os.ReadFile(filepath.Join(f.dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		// An outage must not look like a miss: is the folder still there?
		if _, err := os.Stat(f.dir); err != nil {
			return record{}, outage(op, err)
		}
		return record{}, driver.ErrMiss
	}
	if err != nil {
		return record{}, outage(op, err)
	}
	r, ok := decode(b)
	if !ok || !r.live() {
		return record{}, driver.ErrMiss
	}
	return r, nil
}

// write puts r in file, as a version of its own.
func (f *folder) write(op driver.Op, file string, r record) error {
	r.version = rand.Uint64()
	temp, err := os.CreateTemp(f.dir, "*"+tempSuffix)
	if err != nil {
		return outage(op, err)
	}
	_, err = temp.Write(r.encode())
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), filepath.Join(f.dir, file))
	}
	if err != nil {
		return outage(op, errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// remove does not mind a file that is gone.
func (f *folder) remove(op driver.Op, file string) error {
	err := os.Remove(filepath.Join(f.dir, file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return outage(op, err)
	}
	return nil
}

// fileName is where key is kept. Keys may hold slashes and be longer than names of
// files, and some file systems do not tell upper from lower case: so it is a digest.
func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + itemSuffix
}

// outage wraps what the file system said, once. It matches cache.ErrUnavailable.
func outage(op driver.Op, cause error) error {
	return driver.Unavailable(name, op, "", cause)
}

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

// The compiler checks which optional interfaces the driver implements. Without this, a
// mistyped method would be an ability that the cache does not find.
var (
	_ driver.Cache   = (*folder)(nil)
	_ driver.Swapper = (*folder)(nil)
	_ driver.Toucher = (*folder)(nil)
	_ driver.Pinger  = (*folder)(nil)
)

// A folder is the driver.
//
// It replaces a file by renaming another over it, so that a read needs no lock: it gets the
// old file or the new one. An operation that reads before it writes holds the lock of the
// key all the while.
type folder struct {
	dir   string
	locks [64]sync.Mutex // by the checksum of the file name
	sweep sweeper
}

// Get returns the value of key.
func (f *folder) Get(_ context.Context, key string) ([]byte, error) {
	r, err := f.read(driver.OpGet, fileName(key))
	return r.value, err
}

// GetItem returns the value of key, the time that it has left, and its version as the
// token.
func (f *folder) GetItem(_ context.Context, key string) (driver.Item, error) {
	r, err := f.read(driver.OpGetItem, fileName(key))
	if err != nil {
		return driver.Item{}, err
	}
	return driver.Item{Value: r.value, Kind: r.kind, TTL: r.left(), TTLKnown: true, Token: r.version}, nil
}

// Store writes e if mode allows it.
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
			return err // ErrMiss, if the item has expired
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

// CompareAndSwap stores e if key still has the version token.
func (f *folder) CompareAndSwap(_ context.Context, token any, e driver.Entry) error {
	return f.change(driver.OpCompareAndSwap, e.Key, func(r *record) error {
		if r.version != token {
			return driver.ErrConflict
		}
		*r = record{kind: e.Kind, expires: expiry(e.TTL), value: e.Value}
		return nil
	})
}

// CompareAndDelete removes key if it still has the version token.
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
			continue // not a file of the cache, or not yet an item
		}
		if err := f.remove(driver.OpFlush, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Close leaves the files: the items are there when the folder is opened again.
func (f *folder) Close() error { return f.sweep.close() }

// change rewrites a present item atomically.
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

// The cache touches no file whose name ends otherwise.
const (
	itemSuffix = ".item"
	tempSuffix = ".temp"
)

// read returns the item in file, or ErrMiss if it is absent or has expired.
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

// write writes r to file, as a new version.
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

// remove removes file. It returns nil if the file is absent.
func (f *folder) remove(op driver.Op, file string) error {
	err := os.Remove(filepath.Join(f.dir, file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return outage(op, err)
	}
	return nil
}

// fileName returns the name of the file of key: a digest, because keys may contain slashes
// and be longer than file names, and some file systems ignore case.
func fileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + itemSuffix
}

// outage wraps an error of the file system, once. It matches cache.ErrUnavailable.
func outage(op driver.Op, cause error) error {
	return driver.Unavailable(name, op, "", cause)
}

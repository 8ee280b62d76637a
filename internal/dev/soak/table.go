package soak

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// Sizes of the table. A row is a row of the database that the caches hold pages of;
// each workload has its own.
const (
	maxWorkers = 8
	workloads  = 6
	rows       = 3000
	cells      = 64      // keys of the workload swaps
	maxStates  = 1 << 24 // states of cells that can be told apart
)

// A table is the database of all processes and what they know of one another: a file
// that is mapped into the memory of each.
type table struct {
	// Messages of the test to the workers.
	stop       atomic.Int64 // not 0: it is over
	longerList atomic.Int64 // not 0: odd workers use the list with one server more
	// Times in ns since 1970.
	listUntil  atomic.Int64 // until when items may be where another list looks
	lossUntil  atomic.Int64 // until when items may have outlived their wires
	faultUntil atomic.Int64 // until when a server may be unavailable, on the lossy servers
	slowUntil  atomic.Int64 // the same on the others

	states atomic.Uint64 // how many states of cells were numbered
	swaps  atomic.Uint64 // how many swaps and deletes succeeded

	rows     [maxWorkers + workloads][rows]row
	consumed [maxStates / 64]atomic.Uint64 // one bit for each state that a swap replaced
}

// A row has a version. The workload memory is in every process by itself, and has rows
// for each.
type row struct {
	version     atomic.Uint64 // of the row in the database
	invalidated atomic.Uint64 // the version whose invalidation was confirmed
}

// confirm notes that an invalidation after the change to version returned nil: a read
// that begins from now on must not return an older one.
func (r *row) confirm(version uint64) {
	for {
		old := r.invalidated.Load()
		if old >= version || r.invalidated.CompareAndSwap(old, version) {
			return
		}
	}
}

// consume notes that a swap or a delete of state succeeded, and reports whether it is
// the first.
func (t *table) consume(state uint64) bool {
	word, bit := &t.consumed[state%maxStates/64], uint64(1)<<(state%64)
	return word.Or(bit)&bit == 0
}

func (t *table) before(until *atomic.Int64) bool {
	return time.Now().UnixNano() < until.Load()
}

// openTable maps the table in the file, which is made if it does not exist.
func openTable(name string) (*table, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int(unsafe.Sizeof(table{}))
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	mem, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", name, err)
	}
	return (*table)(unsafe.Pointer(&mem[0])), nil
}

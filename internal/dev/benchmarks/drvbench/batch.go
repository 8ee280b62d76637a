package drvbench

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// The operations on many keys.
const (
	opSet    = "set"
	opGet    = "get"
	opDelete = "delete"
	opWire   = "wire" // cache dependency: add
	opDrop   = "drop" // and delete
)

// contenders are the clients that do the same things, in the order of the tables.
var contenders = []string{
	"larder/gomemcache", "gomemcache", "larder/ketama", "rainycape", "pylibmc", "python-memcached",
}

// Batch is the time of one operation on N keys, in ms, for each contender.
type Batch struct {
	Op    string
	N     int
	Times map[string]report.Sample
}

var (
	batchSizes      = []int{100, 1000, 10_000}
	dependencySizes = []int{10, 1000, 10_000}
)

// field is all contenders on one server.
type field struct {
	golang map[string]batcher
	python *python
	value  []byte
	round  int // makes keys that were not there before
}

func newField(addr string) (*field, error) {
	ourGo, err := newGomemcacheDriver(addr)
	if err != nil {
		return nil, err
	}
	ourKetama, err := newKetamaDriver(addr)
	if err != nil {
		return nil, err
	}
	bareGo, err := newGomemcacheBare(addr)
	if err != nil {
		return nil, err
	}
	bareRainy, err := newRainycapeBare(addr)
	if err != nil {
		return nil, err
	}
	p, err := startPython(addr)
	if err != nil {
		return nil, err
	}
	return &field{
		golang: map[string]batcher{
			"larder/gomemcache": ourGo, "gomemcache": looped{bareGo},
			"larder/ketama": ourKetama, "rainycape": looped{bareRainy},
		},
		python: p,
		value:  workload.Value(workload.Rand(1), valueSize),
	}, nil
}

// measure lets all contenders do the operations on n keys in turn, round after round.
func (f *field) measure(ops []string, n, rounds int) ([]Batch, error) {
	batches := make([]Batch, len(ops))
	for i, op := range ops {
		batches[i] = Batch{op, n, map[string]report.Sample{}}
	}
	// Small batches are repeated: a single one says little.
	repeat := max(1, min(20, 2000/n))
	for round := range rounds + 1 {
		for i := range contenders {
			name := contenders[(i+round)%len(contenders)]
			times := make([]time.Duration, len(ops))
			for range repeat {
				f.round++
				for i, op := range ops {
					took, err := f.do(name, op, "b"+strconv.Itoa(f.round)+"-", n)
					if err != nil {
						return nil, fmt.Errorf("%s, %s of %d keys: %w", name, op, n, err)
					}
					times[i] += took
				}
			}
			if round == 0 {
				continue
			}
			for i := range ops {
				b := batches[i]
				b.Times[name] = append(b.Times[name], times[i].Seconds()*1e3/float64(repeat))
			}
		}
	}
	return batches, nil
}

// do does one operation and returns how long it took, making the keys not counted.
func (f *field) do(name, op, prefix string, n int) (time.Duration, error) {
	c := f.golang[name]
	if c == nil {
		return f.python.do(name, op, prefix, n)
	}
	keys := make([]string, n)
	for i := range keys {
		keys[i] = prefix + strconv.Itoa(i)
	}
	master := prefix + ":"
	began := time.Now()
	var err error
	switch op {
	case opSet:
		err = c.setAll(keys, f.value)
	case opGet:
		var found int
		found, err = c.getAll(keys)
		err = expect(found, n, err)
	case opDelete:
		err = c.deleteAll(keys)
	case opWire:
		err = c.wire(master, keys)
	case opDrop:
		err = c.drop(master)
	default:
		err = errors.New("unknown operation")
	}
	took := time.Since(began)
	if err == nil && (op == opDelete || op == opDrop) {
		var left int
		left, err = c.getAll(keys)
		err = expect(left, 0, err)
	}
	return took, err
}

// Package workload makes the keys, values and request sequences of the benchmarks.
// The same seed gives the same ones.
package workload

import (
	"math"
	"math/rand/v2"
	"sort"
	"strings"
)

// KeySize is the length of every key in bytes.
const KeySize = 21

// absent is added to the numbers of keys that are never stored.
const absent = 1 << 40

// Key returns the key of number id, as a new string.
func Key(id int) string { return string(appendKey(make([]byte, 0, KeySize), id)) }

const digits = "0123456789abcdef"

// appendKey spreads the number over all the digits, so that keys differ early and
// their order says nothing about their number.
func appendKey(b []byte, id int) []byte {
	x := uint64(id) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	b = append(b, "user:"...)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[x>>shift&15])
	}
	return b
}

// Sequence is a row of keys in the order in which they will be asked for. They lie
// one behind the other, so that reading them costs the harness no cache misses, and
// are no strings that a cache holds, so that comparing them takes what it takes.
type Sequence struct {
	text string
	n    int
}

// Len returns the number of keys.
func (s Sequence) Len() int { return s.n }

// At returns key number i.
func (s Sequence) At(i int) string {
	i *= KeySize
	return s.text[i : i+KeySize]
}

// Draw makes a sequence of n keys whose numbers come from next.
func Draw(n int, next func() int) Sequence {
	var text strings.Builder
	text.Grow(n * KeySize)
	key := make([]byte, 0, KeySize)
	for range n {
		text.Write(appendKey(key, next()))
	}
	return Sequence{text.String(), n}
}

// Uniform draws the numbers 0 to n-1 alike.
func Uniform(r *rand.Rand, n int) func() int {
	return func() int { return r.IntN(n) }
}

// Absent draws numbers of keys that are never stored.
func Absent(r *rand.Rand, n int) func() int {
	return func() int { return absent + r.IntN(n) }
}

// Zipf draws numbers with probability proportional to 1/rank^s. Rank and number have
// nothing to do with each other: popular keys are scattered over those stored.
type Zipf struct {
	cumulative []float64
	numbers    []int32
}

// NewZipf makes a distribution over n keys; s may be any number over 0.
func NewZipf(n int, s float64) *Zipf {
	z := &Zipf{make([]float64, n), make([]int32, n)}
	sum := 0.0
	for i := range n {
		sum += math.Pow(float64(i+1), -s)
		z.cumulative[i] = sum
		z.numbers[i] = int32(i)
	}
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(n, func(i, j int) { z.numbers[i], z.numbers[j] = z.numbers[j], z.numbers[i] })
	return z
}

// Draw returns a source of numbers.
func (z *Zipf) Draw(r *rand.Rand) func() int {
	return func() int {
		x := r.Float64() * z.cumulative[len(z.cumulative)-1]
		return int(z.numbers[sort.SearchFloat64s(z.cumulative, x)])
	}
}

// Value returns a fresh value of size bytes; its first byte is not 0.
func Value(r *rand.Rand, size int) []byte {
	v := make([]byte, size)
	x := r.Uint64() | 1
	for i := range v {
		v[i] = byte(x >> (i % 8 * 8))
	}
	return v
}

// Values returns n fresh values.
func Values(r *rand.Rand, n, size int) [][]byte {
	vs := make([][]byte, n)
	for i := range vs {
		vs[i] = Value(r, size)
	}
	return vs
}

// Rand returns a source for the given run.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x1a2d)) }

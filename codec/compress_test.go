package codec_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/larder-go/larder/codec"
)

const gzipMagic = "\x1f\x8b\x08"

// Long values become shorter, and short ones and those that do not become shorter are stored
// as they are.
func TestCompressSize(t *testing.T) {
	c := codec.Compress(codec.Text[string](), codec.CompressConfig{})
	random := make([]byte, 10_000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	for _, v := range []string{"short", strings.Repeat("a", 1023), string(random)} {
		b, err := c.Append(nil, v)
		if err != nil || string(b) != v {
			t.Errorf("Append of %d bytes: %d bytes, %v; want them as they are", len(v), len(b), err)
		}
	}
	b, err := c.Append(nil, strings.Repeat("a", 1024))
	if err != nil || len(b) > 100 {
		t.Errorf("Append of 1024 equal bytes: %d bytes, %v; want fewer than 100", len(b), err)
	}
}

// Values of MinSize and more are compressed, with the level.
func TestCompressConfig(t *testing.T) {
	size := func(c codec.CompressConfig, n int) int {
		t.Helper()
		b, err := codec.Compress(codec.Text[string](), c).Append(nil, strings.Repeat("ab", n/2))
		if err != nil {
			t.Fatal(err)
		}
		return len(b)
	}
	const min = 500
	if got := size(codec.CompressConfig{MinSize: min}, min-2); got != min-2 {
		t.Errorf("a value of less than MinSize has %d bytes, want %d", got, min-2)
	}
	if got := size(codec.CompressConfig{MinSize: min}, min); got >= min/2 {
		t.Errorf("a value of MinSize has %d bytes, want fewer than %d", got, min/2)
	}
	// A level without matches takes a bit for each byte at least.
	best, least := size(codec.CompressConfig{Level: gzip.BestCompression}, 10_000), size(codec.CompressConfig{Level: gzip.HuffmanOnly}, 10_000)
	if best > 200 || least < 10_000/8 {
		t.Errorf("%d bytes with the best compression, %d without matches; want at most 200, and at least %d", best, least, 10_000/8)
	}
}

// Values that were stored before the program used Compress are read as they are.
func TestCompressReadsPlain(t *testing.T) {
	c := codec.Compress(codec.JSON[string](), codec.CompressConfig{})
	if v, err := c.Decode([]byte(`"before"`)); err != nil || v != "before" {
		t.Errorf("Decode: %q, %v", v, err)
	}
}

// A value of a few bytes that expands to many is an error, and takes no more memory than
// MaxSize allows, also if it lies about its size. One of exactly MaxSize is good.
func TestCompressBomb(t *testing.T) {
	const limit = 1 << 20
	zeros := make([]byte, limit)
	bomb := compressed(t, bytes.Repeat(zeros, 20))
	small := bytes.Clone(bomb)
	binary.LittleEndian.PutUint32(small[len(small)-4:], 10)
	c := codec.Compress(codec.Bytes(), codec.CompressConfig{MaxSize: limit})
	for name, b := range map[string][]byte{"honest": bomb, "says 10 bytes": small, "two streams": slices.Concat(bomb, compressed(t, nil))} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := c.Decode(b)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "1048576") {
			t.Errorf("%s: Decode: %d bytes, %v; want an error that names the limit", name, len(v), err)
		}
		// A buffer that doubles until it holds the limit; the race detector doubles that.
		if took := after.TotalAlloc - before.TotalAlloc; took > 10*limit {
			t.Errorf("%s: Decode of %d bytes that expand to 20 MiB allocated %d bytes, want at most 10 times the limit of %d", name, len(b), took, limit)
		}
	}
	if v, err := c.Decode(compressed(t, zeros)); err != nil || len(v) != limit {
		t.Errorf("Decode of as many bytes as the limit: %d bytes, %v", len(v), err)
	}
	if v, err := c.Decode(compressed(t, append(zeros, 0))); err == nil {
		t.Errorf("Decode of one byte more than the limit: %d bytes, want an error", len(v))
	}
}

func compressed(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A stream that is cut short or was changed is an error.
func TestCompressDamaged(t *testing.T) {
	c := codec.Compress(codec.Text[string](), codec.CompressConfig{})
	b, err := c.Append(nil, strings.Repeat("some text ", 500))
	if err != nil {
		t.Fatal(err)
	}
	for n := len(gzipMagic); n < len(b); n++ {
		if v, err := c.Decode(b[:n]); err == nil {
			t.Fatalf("Decode of %d bytes of %d: %d bytes, want an error", n, len(b), len(v))
		}
	}
	changed := bytes.Clone(b)
	changed[len(b)-6] ^= 1 // in the checksum
	if _, err := c.Decode(changed); !errors.Is(err, gzip.ErrChecksum) {
		t.Errorf("Decode of a stream with another checksum: %v, want %v", err, gzip.ErrChecksum)
	}
	// The codec goes on to work.
	if v, err := c.Decode(b); err != nil || len(v) != 5000 {
		t.Errorf("Decode after the damaged ones: %d bytes, %v", len(v), err)
	}
}

// One codec serves many goroutines.
func TestCompressConcurrent(t *testing.T) {
	c := codec.Compress(codec.Text[string](), codec.CompressConfig{MinSize: 10})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				want := strings.Repeat(string(rune('a'+i)), 100*n)
				b, err := c.Append(nil, want)
				if err != nil {
					t.Errorf("Append: %v", err)
				}
				if got, err := c.Decode(b); err != nil || got != want {
					t.Errorf("Decode: %d bytes, %v; want %d", len(got), err, len(want))
				}
			}
		})
	}
	wg.Wait()
}

// Values of any length can be read again. A value over the limit is stored as it is, or rejected;
// the largest limit behaves as any other.
func TestCompressMaxSize(t *testing.T) {
	text := strings.Repeat("long ", 1000)
	for _, size := range []int{math.MaxInt, math.MaxInt - 1, len(text), len(text) - 1, 1} {
		c := codec.Compress(codec.Text[string](), codec.CompressConfig{MaxSize: size})
		b, err := c.Append(nil, text)
		if err != nil {
			t.Errorf("MaxSize %d: Append: %v", size, err)
			continue
		}
		if v, err := c.Decode(b); err != nil || v != text {
			t.Errorf("MaxSize %d: Decode: %d bytes, %v; want %d", size, len(v), err, len(text))
		}
	}
	c := codec.Compress(codec.Text[string](), codec.CompressConfig{MaxSize: 100})
	b, err := c.Append([]byte("before"), gzipMagic+text)
	if err == nil || string(b) != "before" {
		t.Errorf("Append of a long value that begins as gzip does: %.20q, %v; want an error", b, err)
	}
}

// Invalid configurations panic when the codec is made.
func TestCompressInvalid(t *testing.T) {
	text := codec.Text[string]()
	for name, f := range map[string]func(){
		"MinSize": func() { codec.Compress(text, codec.CompressConfig{MinSize: -1}) },
		"MaxSize": func() { codec.Compress(text, codec.CompressConfig{MaxSize: -1}) },
		"Level":   func() { codec.Compress(text, codec.CompressConfig{Level: 10}) },
		"codec":   func() { codec.Compress[string](nil, codec.CompressConfig{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// For any input the codec returns a value within its limit, or an error.
func FuzzCompress(f *testing.F) {
	c := codec.Compress(codec.Bytes(), codec.CompressConfig{MinSize: 1, MaxSize: 10_000})
	good, err := c.Append(nil, bytes.Repeat([]byte("x"), 5000))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(gzipMagic))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := c.Decode(b)
		if err == nil && len(v) > max(10_000, len(b)) {
			t.Errorf("Decode of %d bytes: %d bytes", len(b), len(v))
		}
		encoded, err := c.Append(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) <= 10_000 {
			if v, err := c.Decode(encoded); err != nil || !bytes.Equal(v, b) {
				t.Errorf("Decode of what Append returned: %d bytes, %v; want %d", len(v), err, len(b))
			}
		}
	})
}

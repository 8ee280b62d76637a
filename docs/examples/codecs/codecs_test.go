package codecs_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/docs/examples/codecs"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

const maxSize = 1 << 20

func newZstd[V any](t *testing.T, inner codec.Codec[V]) codec.Codec[V] {
	t.Helper()
	c, err := codecs.Zstd(inner, maxSize)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newUser returns a message with more than one field.
func newUser(t *testing.T, name string) *structpb.Struct {
	t.Helper()
	u, err := structpb.NewStruct(map[string]any{"name": name, "admin": true, "teams": []any{1.0, 2.0}})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// A message is read through a cache, compressed and not, and each caller has its own.
func TestProto(t *testing.T) {
	for name, c := range map[string]codec.Codec[*structpb.Struct]{
		"proto": codecs.Proto[structpb.Struct](),
		"zstd":  newZstd(t, codecs.Proto[structpb.Struct]()),
	} {
		m, err := memory.New(memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		users, err := load.New(m, load.Config[*structpb.Struct]{Codec: c, TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		loads := 0
		for range 2 {
			u, err := users.Get(context.Background(), "user:7", func(context.Context, *load.Entry[*structpb.Struct]) (*structpb.Struct, error) {
				loads++
				return newUser(t, "Ann"), nil
			})
			if err != nil || !proto.Equal(u, newUser(t, "Ann")) {
				t.Errorf("%s: Get: %v, %v; want the user", name, u, err)
			}
			u.Fields["name"] = structpb.NewStringValue("Bob") // it is ours alone
		}
		if loads != 1 {
			t.Errorf("%s: %d loads, want 1", name, loads)
		}
	}
}

// Both append to what is there.
func TestAppend(t *testing.T) {
	text := newZstd(t, codec.Text[string]())
	b, err := text.Append([]byte("before"), "text")
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(b, []byte("before"))
	if v, err := text.Decode(rest); !ok || err != nil || v != "text" {
		t.Errorf("zstd appended %q, which is %q, %v", b, v, err)
	}
	messages := codecs.Proto[structpb.Struct]()
	if b, err = messages.Append([]byte("before"), newUser(t, "Ann")); err != nil {
		t.Fatal(err)
	}
	rest, ok = bytes.CutPrefix(b, []byte("before"))
	if m, err := messages.Decode(rest); !ok || err != nil || !proto.Equal(m, newUser(t, "Ann")) {
		t.Errorf("Proto appended %q, which is %v, %v", b, m, err)
	}
}

// Bytes that are not what the codec stores are an error.
func TestDamaged(t *testing.T) {
	messages, text := codecs.Proto[structpb.Struct](), newZstd(t, codec.Text[string]())
	if m, err := messages.Decode([]byte("not a message")); err == nil {
		t.Errorf("Proto: Decode: %v, want an error", m)
	}
	b, err := text.Append(nil, strings.Repeat("text ", 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{b[:len(b)-1], []byte("not compressed"), append(bytes.Clone(b), 0)} {
		if v, err := text.Decode(b); err == nil {
			t.Errorf("zstd: Decode of %q: %q, want an error", b, v)
		}
	}
}

// A few bytes that expand to more than maxSize are an error, and take little memory, whether
// or not they say how much they expand to.
func TestZstdBomb(t *testing.T) {
	c := newZstd(t, codec.Bytes())
	zeros := make([]byte, 20*maxSize)
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var streamed bytes.Buffer
	sw, err := zstd.NewWriter(&streamed, zstd.WithWindowSize(1<<15))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sw.Write(zeros); err != nil {
		t.Fatal(err)
	}
	if err := sw.Close(); err != nil {
		t.Fatal(err)
	}
	for name, bomb := range map[string][]byte{
		"says its size": w.EncodeAll(zeros, nil), "says nothing": streamed.Bytes(),
		"in two frames": w.EncodeAll(zeros[:maxSize/2+1], w.EncodeAll(zeros[:maxSize/2], nil)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, err := c.Decode(bomb)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, zstd.ErrDecoderSizeExceeded) && !errors.Is(err, zstd.ErrWindowSizeExceeded) {
			t.Errorf("%s: Decode of %d bytes: %d bytes, %v; want an error that a size is exceeded", name, len(bomb), len(v), err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 10*maxSize {
			t.Errorf("%s: Decode of %d bytes allocated %d bytes, want at most 10 times the limit of %d", name, len(bomb), took, maxSize)
		}
	}
	// A value over the limit for decompression is not stored.
	if _, err := c.Append(nil, zeros[:maxSize+1]); err == nil || !strings.Contains(err.Error(), "1048577 bytes") {
		t.Errorf("Append of more than the limit: %v; want an error that names the size", err)
	}
	b, err := c.Append(nil, zeros[:maxSize])
	if err != nil {
		t.Fatal(err)
	}
	if v, err := c.Decode(b); err != nil || len(v) != maxSize {
		t.Errorf("Decode of as many bytes as the limit: %d bytes, %v", len(v), err)
	}
}

// Many goroutines share a codec.
func TestZstdConcurrent(t *testing.T) {
	c := newZstd(t, codec.Bytes())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 20 {
				want := bytes.Repeat([]byte{byte(r.Uint32()), byte(i)}, 1+r.IntN(1000))
				b, err := c.Append(nil, want)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := c.Decode(b); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes became %d, %v", len(want), len(got), err)
				}
			}
		})
	}
	wg.Wait()
}

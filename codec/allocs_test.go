package codec_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/memory"
)

// order is some 1 KB of JSON.
type order struct {
	ID    int
	Lines []line
	Note  string
}

type line struct {
	Article  string
	Quantity int
	Price    float64
}

func someOrder() order {
	o := order{ID: 100, Note: strings.Repeat("note ", 40)}
	for i := range 16 {
		o.Lines = append(o.Lines, line{"article", i, 1.5})
	}
	return o
}

// JSON costs what encoding/json does, and a typed Get of 1 KB one allocation more at most.
func TestJSONAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	ctx := context.Background()
	o := someOrder()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 900 || len(b) > 1200 {
		t.Fatalf("the value has %d bytes, want some 1,000", len(b))
	}
	c, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	view := codec.NewView(c, codec.JSON[order]())
	if err := view.Set(ctx, "k", o, time.Hour); err != nil {
		t.Fatal(err)
	}
	bare := testing.AllocsPerRun(100, func() {
		var o order
		if err := json.Unmarshal(b, &o); err != nil || len(o.Lines) != 16 {
			t.Fatal(o, err)
		}
	})
	get := testing.AllocsPerRun(100, func() {
		if o, err := view.Get(ctx, "k"); err != nil || len(o.Lines) != 16 {
			t.Fatal(o, err)
		}
	})
	if get > bare+1 {
		t.Errorf("a typed Get allocates %v times, and encoding/json %v; want one more at most", get, bare)
	}
	bare = testing.AllocsPerRun(100, func() {
		if _, err := json.Marshal(o); err != nil {
			t.Fatal(err)
		}
	})
	append := testing.AllocsPerRun(100, func() {
		if _, err := codec.JSON[order]().Append(nil, o); err != nil {
			t.Fatal(err)
		}
	})
	if append > bare+1 {
		t.Errorf("Append allocates %v times, and encoding/json %v; want one more at most", append, bare)
	}
}

// Bytes and Text cost what their values do.
func TestPlainAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	data := []byte("some data that is not a constant")
	for name, test := range map[string]struct {
		do   func()
		want float64
	}{
		"Bytes.Append": {func() { sink, _ = codec.Bytes().Append(nil, data) }, 0},
		"Bytes.Decode": {func() { sink, _ = codec.Bytes().Decode(data) }, 0},
		"Text.Decode":  {func() { sinkText, _ = codec.Text[string]().Decode(data) }, 1},
	} {
		if got := testing.AllocsPerRun(100, test.do); got != test.want {
			t.Errorf("%s allocates %v times, want %v", name, got, test.want)
		}
	}
}

var (
	sink     []byte
	sinkText string
)

func BenchmarkJSON(b *testing.B) {
	data, err := json.Marshal(someOrder())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var o order
			_ = json.Unmarshal(data, &o)
		}
	})
	b.Run("codec", func(b *testing.B) {
		c := codec.JSON[order]()
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.Decode(data)
		}
	})
}

package codec_test

import (
	"encoding/gob"
	"errors"
	"math"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/codec"
)

type user struct {
	Name  string
	Teams []int
	Seen  time.Time
}

// point is a type that encodes itself, but does not append itself.
type point struct{ x, y byte }

func (p *point) MarshalBinary() ([]byte, error) { return []byte{p.x, p.y}, nil }

func (p *point) UnmarshalBinary(b []byte) error {
	if len(b) != 2 {
		return errors.New("a point has two bytes")
	}
	p.x, p.y = b[0], b[1]
	return nil
}

func someUser() user {
	return user{Name: "Ann \"☃\"", Teams: []int{3, 7}, Seen: time.Unix(1_700_000_000, 5).UTC()}
}

type id string

// Each codec returns what it encoded, also behind bytes that are there already, and leaves
// those as they are.
func TestRoundTrip(t *testing.T) {
	u := someUser()
	t.Run("JSON", func(t *testing.T) { roundTrip(t, codec.JSON[user](), u, user{}) })
	t.Run("JSON of a pointer", func(t *testing.T) { roundTrip(t, codec.JSON[*user](), &u, nil) })
	t.Run("JSON of a map", func(t *testing.T) { roundTrip(t, codec.JSON[map[string]int](), nil, map[string]int{"a": 1}) })
	t.Run("Gob", func(t *testing.T) { roundTrip(t, codec.Gob[user](), u, user{}) })
	t.Run("Text", func(t *testing.T) { roundTrip(t, codec.Text[id](), "", "\x00\xff", "ab") })
	t.Run("Bytes", func(t *testing.T) { roundTrip(t, codec.Bytes(), []byte{}, []byte("\x00\xff")) })
	t.Run("Binary", func(t *testing.T) { roundTrip(t, codec.Binary[time.Time](), u.Seen, time.Time{}) })
	t.Run("Binary of a URL", func(t *testing.T) {
		roundTrip(t, codec.Binary[url.URL](), url.URL{Scheme: "https", Host: "example.org", Path: "/a b"})
	})
	t.Run("Binary without AppendBinary", func(t *testing.T) { roundTrip(t, codec.Binary[point](), point{1, 2}) })
	t.Run("Compress", func(t *testing.T) {
		for _, c := range []codec.CompressConfig{{}, {MinSize: 1, Level: 1}, {MinSize: 10, MaxSize: 100_000, Level: 9}} {
			roundTrip(t, codec.Compress(codec.Text[string](), c), "", "short", strings.Repeat("long ", 1000), gzipMagic, gzipMagic+strings.Repeat("x", 5000))
			roundTrip(t, codec.Compress(codec.Bytes(), c), []byte{}, []byte(strings.Repeat("long ", 1000)))
			roundTrip(t, codec.Compress(codec.JSON[user](), c), u, user{Name: strings.Repeat("long ", 1000)})
		}
	})
}

func roundTrip[V any](t *testing.T, c codec.Codec[V], values ...V) {
	t.Helper()
	for _, v := range values {
		for _, dst := range [][]byte{nil, {}, []byte("before"), append(make([]byte, 0, 1<<16), "before"...)} {
			b, err := c.Append(dst, v)
			if err != nil {
				t.Fatalf("Append of %v: %v", v, err)
			}
			if got := string(b[:len(dst)]); got != string(dst) {
				t.Errorf("Append of %v to %q: it begins with %q", v, dst, got)
			}
			got, err := c.Decode(b[len(dst):])
			if err != nil {
				t.Fatalf("Decode of %v: %v", v, err)
			}
			if !reflect.DeepEqual(got, v) {
				t.Errorf("Decode: %v, want %v", got, v)
			}
		}
	}
}

// A value that cannot be encoded is an error, and so are bytes that cannot be decoded.
func TestErrors(t *testing.T) {
	encodeFails(t, "JSON", codec.JSON[float64](), math.NaN())
	encodeFails(t, "Gob", codec.Gob[func()](), nil)
	encodeFails(t, "Binary", codec.Binary[time.Time](), time.Unix(0, 0).In(time.FixedZone("far", 40_000*60)))
	encodeFails(t, "Compress", codec.Compress(codec.JSON[float64](), codec.CompressConfig{}), math.Inf(1))
	for _, bad := range []string{"", "{", "\x80\x04pickle.", "\x1f\x8b\x08short"} {
		decodeFails(t, "JSON", codec.JSON[user](), bad)
		decodeFails(t, "Gob", codec.Gob[user](), bad)
		decodeFails(t, "Binary", codec.Binary[time.Time](), bad)
		decodeFails(t, "Compress", codec.Compress(codec.JSON[user](), codec.CompressConfig{}), bad)
	}
	// A value of another type was stored by an older program.
	b, err := codec.Gob[string]().Append(nil, "text")
	if err != nil {
		t.Fatal(err)
	}
	decodeFails(t, "Gob", codec.Gob[user](), string(b))
	decodeFails(t, "JSON", codec.JSON[user](), `"text"`)
}

func encodeFails[V any](t *testing.T, name string, c codec.Codec[V], v V) {
	t.Helper()
	before := []byte("before")
	b, err := c.Append(before, v)
	if err == nil {
		t.Errorf("%s: Append: %q, want an error", name, b)
	}
	if string(before) != "before" {
		t.Errorf("%s: Append that failed changed what was there to %q", name, before)
	}
}

func decodeFails[V any](t *testing.T, name string, c codec.Codec[V], bad string) {
	t.Helper()
	if v, err := c.Decode([]byte(bad)); err == nil {
		t.Errorf("%s: Decode of %q: %v, want an error", name, bad, v)
	}
}

// Gob encodes what is behind an interface, if its type was registered.
func TestGobInterface(t *testing.T) {
	gob.Register(user{})
	roundTrip(t, codec.Gob[any](), any(someUser()))
}

// Bytes and Text of a nil slice and of the empty string are the same empty value.
func TestEmpty(t *testing.T) {
	b, err := codec.Bytes().Append(nil, nil)
	if err != nil || len(b) != 0 {
		t.Errorf("Append of nil: %q, %v; want nothing", b, err)
	}
	v, err := codec.Text[string]().Decode(nil)
	if err != nil || v != "" {
		t.Errorf("Decode of nil: %q, %v; want the empty string", v, err)
	}
}

var errCodec = errors.New("broken")

// broken is a codec that fails.
type broken struct{}

func (broken) Append(dst []byte, _ string) ([]byte, error) { return dst, errCodec }
func (broken) Decode([]byte) (string, error)               { return "part", errCodec }

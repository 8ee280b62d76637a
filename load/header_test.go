package load

import (
	"bytes"
	"reflect"
	"testing"
)

// fullHeader returns a header with everything in it.
func fullHeader() header {
	h := header{
		form: ours, kind: kindValue, life: life{1, 2, 3, 4}, mark: mark{5, 6}, generation: 7,
		payload: []byte("payload"), tagCount: 2,
	}
	h.tags = appendTag(h.tags, "~user:7", 8)
	h.tags = appendTag(h.tags, "~team:3", 9)
	return h
}

// The bytes of a header are those that docs/design.md gives to readers in other languages.
func TestHeaderFormat(t *testing.T) {
	h := fullHeader()
	const want = "\xfelr\x01" + "\x00\x07\x02" +
		"\x00\x00\x00\x00\x00\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00\x00\x02" + "\x00\x00\x00\x00\x00\x00\x00\x03" + "\x00\x00\x00\x04" +
		"\x00\x00\x00\x00\x00\x00\x00\x05" + "\x00\x00\x00\x00\x00\x00\x00\x06" +
		"\x00\x00\x00\x00\x00\x00\x00\x07" +
		"\x07~user:7\x00\x00\x00\x00\x00\x00\x00\x08" + "\x07~team:3\x00\x00\x00\x00\x00\x00\x00\x09" +
		"payload"
	if got := string(h.encode()); got != want {
		t.Errorf("encode: %q, want %q", got, want)
	}
}

// A header that is cut short, or of another version, is not a value, at every length.
func TestHeaderDamaged(t *testing.T) {
	h := fullHeader()
	b := h.encode()
	var got header
	for n := 3; n < len(b)-len(h.payload); n++ {
		if parse(b[:n], &got); got.form != unusable {
			t.Errorf("the first %d bytes of %d: form %d, want unusable", n, len(b), got.form)
		}
	}
	for at, v := range map[int]byte{3: formatVersion + 1, 4: kindEnd, 5: partEnd} {
		changed := bytes.Clone(b)
		changed[at] = v
		if parse(changed, &got); got.form != unusable {
			t.Errorf("with %d as byte %d: form %d, want unusable", v, at, got.form)
		}
	}
	if parse([]byte("plain"), &got); got.form != plain || string(got.payload) != "plain" {
		t.Errorf("an item without a header: %+v", got)
	}
}

// Reading a header allocates nothing, whatever it says.
func TestHeaderAllocs(t *testing.T) {
	h := fullHeader()
	b := h.encode()
	var got header
	if n := testing.AllocsPerRun(100, func() { parse(b, &got) }); n != 0 {
		t.Errorf("parse allocates %v times, want 0", n)
	}
}

// Any bytes are parsed or rejected without a panic, and a header that was read is encoded to
// the same bytes.
func FuzzHeader(f *testing.F) {
	h := fullHeader()
	f.Add(h.encode())
	f.Add([]byte("\xfelr\x01\x00\x00\xff"))
	f.Add(leaseOf(1, 2))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h header
		parse(b, &h)
		if h.form != ours {
			return
		}
		n := 0
		for tags := h.tags; len(tags) > 0; n++ {
			_, _, tags = nextTag(tags)
		}
		if n != h.tagCount {
			t.Errorf("%d tags, the header says %d", n, h.tagCount)
		}
		h.hasTag(tagPrefix, "user:7")
		var again header
		if parse(h.encode(), &again); !reflect.DeepEqual(h, again) {
			t.Errorf("%+v was written and read as %+v", h, again)
		}
	})
}

// Only the bytes of a record have a version.
func FuzzRecord(f *testing.F) {
	f.Add(encodeRecord(7))
	f.Add([]byte("not a record"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v := decodeRecord(b); v != 0 && !bytes.Equal(encodeRecord(v), b) {
			t.Errorf("%q is version %d", b, v)
		}
	})
}

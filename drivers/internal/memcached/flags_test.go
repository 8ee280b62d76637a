package memcached

import (
	"bytes"
	"compress/zlib"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/driver"
)

func TestEncode(t *testing.T) {
	for _, tt := range []struct {
		kind    driver.Kind
		dialect Dialect
		value   string
		flags   uint32
	}{
		{driver.Bytes, Pylibmc, "a", 0},
		{driver.Bytes, Pylibmc, "", 0},
		{driver.Bytes, Pylibmc, "10", 0},
		{driver.Bytes, Pylibmc, "00000000000000000010", 0},
		{driver.Bytes, Pylibmc, "000000000000000000010", 8}, // longer than a counter
		{driver.Bytes, Pylibmc, "9 ", 8},
		{driver.Bytes, Pylibmc, " 9", 8},
		{driver.Bytes, Pylibmc, "+9", 8},
		{driver.Bytes, Pylibmc, "-18446744073709551615", 8}, // to strtoull: 1
		{driver.Bytes, Pylibmc, "9\x00x", 8},
		{driver.Bytes, Pylibmc, "3 apples", 8},
		{driver.Bytes, Pylibmc, "9x", 0},
		{driver.Bytes, Pylibmc, "2027-01-02 3", 0},
		{driver.Bytes, Pylibmc, " \n", 8}, // strtoull reads on behind the value
		{driver.Bytes, Pylibmc, "+", 0},
		{driver.Bytes, Pylibmc, "\xff\x00", 0},
		{driver.Text, Pylibmc, "a", 16},
		{driver.Text, Pylibmc, "", 16},
		{driver.Text, PythonMemcached, "ж", 16},
		{driver.Text, Pylibmc, "\xff", 0},
		{driver.Text, Pylibmc, "3 apples", 24},
		{driver.Number, Pylibmc, "10", 4},
		{driver.Number, PythonMemcached, "10", 2},
		{driver.Number, Pylibmc, "9 ", 8},
		{driver.Number, Pylibmc, "-5", 12}, // the server's minus is not ours
		{driver.Number, Pylibmc, "", 0},
		{driver.Number, Pylibmc, "-", 0},
	} {
		data, flags := tt.dialect.Encode(tt.kind, []byte(tt.value))
		if flags != tt.flags {
			t.Errorf("%v %q for %v: flags %d, want %d", tt.kind, tt.value, tt.dialect, flags, tt.flags)
		}
		if flags&flagCompressed == 0 && string(data) != tt.value {
			t.Errorf("%v %q is stored as %q", tt.kind, tt.value, data)
		}
		got, _, err := Decode(data, flags)
		if err != nil || string(got) != tt.value {
			t.Errorf("%v %q comes back as %q, %v", tt.kind, tt.value, got, err)
		}
	}
}

func TestParseDialect(t *testing.T) {
	for name, want := range map[string]Dialect{"": Pylibmc, "pylibmc": Pylibmc, "python-memcached": PythonMemcached} {
		if d, err := ParseDialect(name); err != nil || d != want {
			t.Errorf("%q: %v, %v; want %v", name, d, err, want)
		}
	}
	if d, err := ParseDialect("php"); err == nil || !strings.Contains(err.Error(), "pylibmc, python-memcached") {
		t.Errorf("php: %v, %v; want an error that names the choices", d, err)
	}
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		data  string
		flags uint32
		want  string
		kind  driver.Kind
	}{
		{"", 0, "", driver.Bytes},
		{"9 ", 0, "9", driver.Bytes}, // was 10
		{"9                   ", 0, "9", driver.Bytes},
		{"9                    ", 0, "9                    ", driver.Bytes}, // no counter is so long
		{"9 a", 0, "9 a", driver.Bytes},
		{"9 9 ", 0, "9 9 ", driver.Bytes},
		{"a ", 0, "a ", driver.Bytes},
		{" ", 0, " ", driver.Bytes},
		{"9 ", 16, "9", driver.Text},
		{"ж ", 16, "ж ", driver.Text},
		{"9 ", 2, "9", driver.Number},
		{"9 ", 4, "9", driver.Number},
		{"-12345678901234567890123  ", 4, "-12345678901234567890123", driver.Number},
	} {
		got, kind, err := Decode([]byte(tt.data), tt.flags)
		if err != nil || got == nil || string(got) != tt.want || kind != tt.kind {
			t.Errorf("Decode(%q, %d) = %q, %v, %v; want %q, %v", tt.data, tt.flags, got, kind, err, tt.want, tt.kind)
		}
	}
	if got, _, err := Decode(nil, 0); err != nil || got == nil || len(got) != 0 {
		t.Errorf("Decode(nil) = %#v, %v; want empty and not nil", got, err)
	}
	for _, flags := range []uint32{1, 9, 3, 6, 5, 18, 20, 32, 64, 1 << 31} {
		data := []byte("a")
		if flags&flagCompressed != 0 {
			data = deflate(data)
		}
		if got, _, err := Decode(data, flags); err == nil {
			t.Errorf("flags %d: %q and no error", flags, got)
		}
	}
	// Clients in other languages mark compressed values in this way.
	for _, flags := range []uint32{2, 4, 10, 12} {
		for _, v := range []string{"", " ", "x", "9 9", " 9", "9x", "+9", "--9", "\x78\x9c\x01\x02", "compressed  "} {
			data := []byte(v)
			if flags&flagCompressed != 0 {
				data = deflate(data)
			}
			if got, _, err := Decode(data, flags); err == nil || !strings.Contains(err.Error(), "number") {
				t.Errorf("%q with flags %d is read as %q, error %v; want one that says that it is not a number", v, flags, got, err)
			}
		}
	}
	if _, _, err := Decode([]byte("x"), 1); err == nil || !strings.Contains(err.Error(), "pickled") {
		t.Errorf("flags 1: error %v does not speak of pickle", err)
	}
}

func TestDecodeCompressed(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z) // as Python does
	if _, err := w.Write([]byte("9 ")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for flags, want := range map[uint32]string{8: "9 ", 24: "9 ", 12: "9", 10: "9"} {
		if got, _, err := Decode(z.Bytes(), flags); err != nil || string(got) != want {
			t.Errorf("flags %d: %q, %v; want %q", flags, got, err, want)
		}
	}
	for n := range z.Len() {
		if got, _, err := Decode(z.Bytes()[:n], 8); err == nil {
			t.Errorf("cut after %d bytes: %q and no error", n, got)
		}
	}
}

func TestInflateIsBounded(t *testing.T) {
	const limit = 1 << 20
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(make([]byte, limit)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err := inflate(z.Bytes(), limit); err != nil || len(v) != limit {
		t.Errorf("at the limit: %d bytes, %v", len(v), err)
	}
	if _, err := inflate(z.Bytes(), limit-1); err == nil || !strings.Contains(err.Error(), "more than 1048575 bytes") {
		t.Errorf("over the limit: %v", err)
	}
}

func TestDeflateBlocks(t *testing.T) {
	for _, n := range []int{0, 1, maxStored, maxStored + 1, 3*maxStored + 5} {
		v := bytes.Repeat([]byte{7}, n)
		if got, err := inflate(deflate(v), maxInflated); err != nil || !bytes.Equal(got, v) {
			t.Errorf("%d bytes come back as %d, %v", n, len(got), err)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte("9 "), uint8(0))
	f.Add([]byte("+1"), uint8(1))
	f.Add([]byte("10"), uint8(2))
	f.Fuzz(func(t *testing.T, value []byte, kind uint8) {
		for _, d := range []Dialect{Pylibmc, PythonMemcached} {
			data, flags := d.Encode(driver.Kind(kind%3), value)
			got, _, err := Decode(data, flags)
			if err != nil || got == nil || !bytes.Equal(got, value) {
				t.Errorf("%q comes back as %q, %v", value, got, err)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("9 "), uint32(0))
	f.Add(deflate([]byte("a")), uint32(8))
	f.Fuzz(func(t *testing.T, data []byte, flags uint32) {
		v, _, err := Decode(data, flags)
		if (err == nil) != (v != nil) {
			t.Errorf("Decode(%q, %d) = %#v, %v", data, flags, v, err)
		}
	})
}

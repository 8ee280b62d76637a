package wire

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll reads status lines and items up to the END of a get, and describes them.
func readAll(r *Reader) (got []string, err error) {
	for {
		line, err := r.Line()
		if err != nil {
			return got, err
		}
		h, ok, err := ParseHeader(line)
		switch {
		case err != nil:
			return got, err
		case ok:
			what := fmt.Sprintf("%s %d %d ", h.Key, h.Flags, h.CAS)
			v, err := r.Value(h.Size)
			if err != nil {
				return got, err
			}
			got = append(got, what+string(v))
		default:
			got = append(got, string(line))
			if IsEnd(line) {
				return got, nil
			}
		}
	}
}

func TestReader(t *testing.T) {
	long := strings.Repeat("0123456789", 300_000) // longer than Trusted
	for _, tt := range []struct{ in, want string }{
		{"END\r\n", "END"},
		{"STORED\r\nNOT_STORED\r\nVALUE a 16 5 7\r\nhello\r\nEND\r\n", "STORED, NOT_STORED, a 16 7 hello, END"},
		{"VALUE a 0 0 1\r\n\r\nVALUE b 0 2 18446744073709551615\r\n\r\n\r\nEND\r\n", "a 0 1 , b 0 18446744073709551615 \r\n, END"},
		{"VALUE a 4294967295 5 1\r\nEND\r\n\r\nEND\r\n", "a 4294967295 1 END\r\n, END"},
		{"VALUE a 0 3000000 1\r\n" + long + "\r\nEND\r\n", "a 0 1 " + long + ", END"},
		{"VALUE " + strings.Repeat("k", maxKey) + " 0 1 1\r\nx\r\nEND\r\n", strings.Repeat("k", maxKey) + " 0 1 x, END"},
	} {
		for _, in := range []io.Reader{strings.NewReader(tt.in), iotest.HalfReader(strings.NewReader(tt.in))} {
			r := NewReader(in)
			got, err := readAll(r)
			if s := strings.Join(got, ", "); err != nil || s != tt.want {
				t.Errorf("%.60q is read as %.60q, error %v; want %.60q", tt.in, s, err, tt.want)
			}
			if !r.Empty() {
				t.Errorf("%.60q: something is left", tt.in)
			}
		}
	}
	for _, in := range []string{
		"", "END", "END\n", "\n", strings.Repeat("x", maxLine) + "\r\n", strings.Repeat("x", 10_000),
		"VALUE a\r\n", "VALUE a 0\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n", "VALUE a 0 1 \r\nx\r\nEND\r\n", "VALUE a x 1 1\r\nx\r\nEND\r\n",
		"VALUE a 0 -1 1\r\n", "VALUE a 0 x 1\r\n", "VALUE a 0 99999999999 1\r\n", "VALUE a 4294967296 1 1\r\nx\r\n", "VALUE a 0 1 x\r\nx\r\n",
		"VALUE a 0 1 1\r\nxy\r\nEND\r\n", "VALUE a 0 5 1\r\nhel", "VALUE a 0 5 1\r\nhello", "VALUE a 0 5 1\r\nhelloXXEND\r\n",
		"VALUE " + strings.Repeat("k", maxKey+1) + " 0 1 1\r\nx\r\nEND\r\n",
	} {
		if got, err := readAll(NewReader(strings.NewReader(in))); err == nil {
			t.Errorf("%.60q is read as %q, want an error", in, got)
		}
	}
}

func TestRequests(t *testing.T) {
	for want, s := range map[string]Store{
		"set k 16 60 2\r\nab\r\n":                   {Verb: "set", Key: "k", Value: []byte("ab"), Flags: 16, Expiry: 60, CAS: 7},
		"add k 0 0 0\r\n\r\n":                       {Verb: "add", Key: "k"},
		"cas k 0 -1 0 18446744073709551615\r\n\r\n": {Verb: "cas", Key: "k", Expiry: -1, CAS: 1<<64 - 1},
	} {
		if got := s.Append(nil); string(got) != want {
			t.Errorf("%+v is written as %q, want %q", s, got, want)
		}
	}
	keys := []string{"a", "b"}
	if got := AppendGets(AppendDelete(nil, "k"), 2, func(i int) string { return keys[i] }); string(got) != "delete k\r\ngets a b\r\n" {
		t.Errorf("a delete and a get are written as %q", got)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("VALUE a 0 1 2\r\nx\r\nEND\r\n"))
	f.Add([]byte("STORED\r\nSTORED\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, errWhole := readAll(NewReader(bytes.NewReader(in)))
		parts, errParts := readAll(NewReader(iotest.OneByteReader(bytes.NewReader(in))))
		if (errWhole == nil) != (errParts == nil) || strings.Join(whole, "\n") != strings.Join(parts, "\n") {
			t.Fatalf("%q: %q, %v as a whole; %q, %v byte by byte", in, whole, errWhole, parts, errParts)
		}
	})
}

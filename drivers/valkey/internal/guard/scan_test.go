package guard

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

const testMax = 1 << 20

// scanAll scans s in pieces of n bytes.
func scanAll(s string, n int) (ended int, err error) {
	sc := scanner{maxString: testMax}
	for len(s) > 0 {
		k := min(n, len(s))
		e, err := sc.scan([]byte(s[:k]))
		ended += e
		if err != nil {
			return ended, err
		}
		s = s[k:]
	}
	return ended, nil
}

func TestScan(t *testing.T) {
	for s, want := range map[string]int{
		"":                               0,
		"+OK\r\n":                        1,
		":1\r\n:-2\r\n:3\r\n":            3,
		"$0\r\n\r\n":                     1,
		"$-1\r\n*-1\r\n_\r\n":            3,
		"$5\r\na\r\nbc\r\n":              1,
		"#t\r\n#f\r\n":                   2,
		",1.5\r\n(123\r\n":               2,
		"!3\r\nERR\r\n":                  1,
		"=7\r\ntxt:abc\r\n":              1,
		"*0\r\n%0\r\n~0\r\n":             3,
		"*2\r\n:1\r\n+a\r\n":             1,
		"*2\r\n:1\r\n":                   0,
		"%1\r\n+k\r\n$1\r\nv":            0,
		"%1\r\n+k\r\n$1\r\nv\r\n+OK\r\n": 2,
		"*2\r\n*1\r\n$2\r\n\r\n\r\n%1\r\n_\r\n~1\r\n_\r\n":                           1,
		">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n":                                     0,
		">2\r\n+invalidate\r\n_\r\n+OK\r\n":                                          1,
		"|1\r\n+a\r\n:1\r\n+OK\r\n":                                                  1,
		"|1\r\n+a\r\n:1\r\n>1\r\n+x\r\n":                                             0,
		"*1\r\n|1\r\n+a\r\n:1\r\n+OK\r\n+OK\r\n":                                     2,
		"*1\r\n>1\r\n+x\r\n":                                                         1, // within a reply
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n": 2,
		"$9\r\n123456789\r\n+" + strings.Repeat("x", 60_000) + "\r\n":                2,
	} {
		for _, n := range []int{1, 2, 3, 7, 1 << 20} {
			if got, err := scanAll(s, n); err != nil || got != want {
				t.Errorf("%.60q in pieces of %d: %d messages, error %v; want %d", s, n, got, err, want)
			}
		}
	}
}

// A reply that the client library may not survive is an error.
func TestScanRefuses(t *testing.T) {
	for _, s := range []string{
		"x", "\r\n", "HTTP/1.1 400 Bad Request\r\n", "OK\r\n", "\x00\r\n", ";1\r\n", ".\r\n",
		"$\r\n", "$x\r\n", "$-2\r\n", "$5\n", "$ 5\r\n", "$+5\r\n", "$99999999999999999999\r\n", "$?\r\n", "$1048577\r\n",
		"*-2\r\n", "*1048577\r\n", "*?\r\n", "%-1\r\n", "~-1\r\n", ">-1\r\n", "%600000\r\n", "|-1\r\n", "|600000\r\n",
		"*1000000\r\n*1000000\r\n",
		"#x\r\n", "#\r\n", "#true\r\n", "_x\r\n", "+OK\n", "-\n", ":1\n",
		":" + strings.Repeat("1", 100) + "\r\n", "$" + strings.Repeat("1", 100),
		"+" + strings.Repeat("x", maxText+10) + "\r\n",
		"-ERR it\n is so\r\n",
	} {
		for _, n := range []int{1, 5, 1 << 20} {
			got, err := scanAll(s+"+OK\r\n", n)
			if err == nil {
				t.Errorf("%.40q in pieces of %d: %d messages, want an error", s, n, got)
			}
		}
	}
}

// parse reads a message as a client library does.
func parse(r *bufio.Reader) (push bool, err error) {
	kind, err := r.ReadByte()
	if err != nil {
		return false, err
	}
	line, err := r.ReadString('\n')
	if err != nil || !strings.HasSuffix(line, "\r\n") {
		return false, fmt.Errorf("line %q: %w", line, err)
	}
	line = strings.TrimSuffix(line, "\r\n")
	n := 0
	if strings.IndexByte("$!=*~>%|", kind) >= 0 {
		if _, err := fmt.Sscanf(line, "%d", &n); err != nil {
			return false, err
		}
	}
	switch kind {
	case '$', '!', '=':
		if n >= 0 {
			_, err = io.CopyN(io.Discard, r, int64(n)+2)
		}
	case '%', '|':
		n *= 2
		fallthrough
	case '*', '~', '>':
		for range n {
			if _, err := parse(r); err != nil {
				return false, err
			}
		}
		if kind == '|' {
			return parse(r)
		}
	}
	return kind == '>', err
}

// FuzzScan compares the scanner with a parser, in pieces of any length.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		"+OK\r\n", "*2\r\n$1\r\na\r\n:1\r\n", ">2\r\n+invalidate\r\n_\r\n", "|1\r\n+a\r\n:1\r\n*0\r\n", "$-1\r\n%1\r\n#t\r\n,1\r\n", "$3\r\nab",
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 1 {
			return
		}
		got, err := scanAll(string(b), n)
		whole, wholeErr := scanAll(string(b), len(b)+1)
		if got != whole || (err == nil) != (wholeErr == nil) {
			t.Fatalf("in pieces of %d: %d, %v; at once: %d, %v", n, got, err, whole, wholeErr)
		}
		if err != nil {
			return
		}
		want := 0
		for r := bufio.NewReader(bytes.NewReader(b)); ; {
			push, err := parse(r)
			if err != nil {
				break
			}
			if !push {
				want++
			}
		}
		if got != want {
			t.Fatalf("%d messages, want %d", got, want)
		}
	})
}

func TestScanAllocs(t *testing.T) {
	sc := scanner{maxString: testMax}
	p := []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n$128\r\n" + strings.Repeat("v", 128) + "\r\n+OK\r\n:1\r\n")
	if n := testing.AllocsPerRun(100, func() {
		if n, err := sc.scan(p); err != nil || n != 4 {
			t.Fatal(n, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkScan(b *testing.B) {
	for name, s := range map[string]string{
		"request": "*2\r\n$3\r\nGET\r\n$13\r\nbench:key:100\r\n",
		"reply":   "$128\r\n" + strings.Repeat("v", 128) + "\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			sc := scanner{maxString: testMax}
			p := []byte(strings.Repeat(s, 100))
			for b.Loop() {
				if _, err := sc.scan(p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/message")
		})
	}
}

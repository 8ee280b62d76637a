package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestReply(t *testing.T) {
	const value = "VALUE key 16 5 77\r\nhello\r\n"
	for _, tt := range []struct {
		in     string
		want   int
		values int
		status string
		fails  bool
	}{
		{in: "STORED\r\n", status: "STORED"},
		{in: "END\r\n", want: 1, status: "END"},
		{in: value + "END\r\n", want: 1, values: 1, status: "END"},
		{in: value + value + "END\r\n", want: 2, values: 2, status: "END"},
		{in: "VALUE key 0 0 1\r\n\r\nEND\r\n", want: 1, values: 1, status: "END"},
		{in: "VALUE key 0 5 1\r\nEND\r\n\r\nEND\r\n", want: 1, values: 1, status: "END"},
		{in: "VALUE key 0 3\r\nabc\r\nEND\r\n", want: 1, values: 1, status: "END"},
		{in: "SERVER_ERROR " + strings.Repeat("x", 300) + "\r\n", status: "SERVER_ERROR " + strings.Repeat("x", maxStatus-13)},

		{in: "STORED\r\nSTORED\r\n", fails: true},
		{in: "END\r\nx", fails: true},
		{in: value + "END\r\n" + value + "END\r\n", want: 1, fails: true},
		{in: value + value + "END\r\n", want: 1, fails: true},
		{in: value + "END\r\n", want: 0, fails: true},
		{in: "\n", fails: true},
		{in: "\r\n", fails: true},
		{in: "STORED\n", fails: true},
		{in: "VALUE key 0 x 1\r\n", want: 1, fails: true},
		{in: "VALUE key 0\r\n", want: 1, fails: true},
		{in: "VALUE key 0 \r\n", want: 1, fails: true},
		{in: "VALUE key 0 -1 1\r\n", want: 1, fails: true},
		{in: "VALUE key 0 1073741825 1\r\n", want: 1, fails: true},
		{in: "VALUE key 0 99999999999 1\r\n", want: 1, fails: true},
		{in: "VALUE " + strings.Repeat("k", maxLine), want: 1, fails: true},
		{in: "VALUE " + strings.Repeat("k", maxLine) + " 0 1 1\r\nx\r\nEND\r\n", want: 1, fails: true},
	} {
		for _, step := range []int{1, 2, 7, len(tt.in)} {
			var r Reply
			r.Begin(tt.want)
			err := feed(&r, []byte(tt.in), step)
			if (err != nil) != tt.fails {
				t.Errorf("%.60q in steps of %d: error %v", tt.in, step, err)
			}
			if err == nil && (!r.finished || r.values != tt.values || string(r.status) != tt.status) {
				t.Errorf("%.60q in steps of %d: finished %v, %d values, status %q; want %d, %q",
					tt.in, step, r.finished, r.values, r.status, tt.values, tt.status)
			}
		}
	}
}

// feed gives r the bytes step at a time.
func feed(r *Reply, p []byte, step int) error {
	for len(p) > 0 {
		n := min(step, len(p))
		if err := r.Read(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

func TestReplyIsNotFinishedBeforeItsEnd(t *testing.T) {
	const in = "VALUE a 0 6 1\r\nEND\r\nx\r\nVALUE b 0 1 2\r\ny\r\nEND\r\n"
	for n := range len(in) {
		var r Reply
		r.Begin(2)
		if err := r.Read([]byte(in[:n])); err != nil || r.finished {
			t.Errorf("after %d bytes: finished %v, %v", n, r.finished, err)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("VALUE a 0 1 2\r\nx\r\nEND\r\n"), uint16(3))
	f.Add([]byte("STORED\r\nSTORED\r\n"), uint16(1))
	f.Fuzz(func(t *testing.T, in []byte, step uint16) {
		var whole, parts Reply
		whole.Begin(2)
		parts.Begin(2)
		errWhole := whole.Read(in)
		errParts := feed(&parts, in, int(step)+1)
		if (errWhole == nil) != (errParts == nil) || errors.Is(errWhole, ErrExcess) != errors.Is(errParts, ErrExcess) {
			t.Fatalf("%q: %v as a whole, %v in parts", in, errWhole, errParts)
		}
		if errWhole == nil && (whole.finished != parts.finished || whole.values != parts.values || !bytes.Equal(whole.status, parts.status)) {
			t.Fatalf("%q: %+v as a whole, %+v in parts", in, whole, parts)
		}
	})
}

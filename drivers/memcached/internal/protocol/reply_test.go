package protocol

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		verb Verb
		part int
		line string
		size int
		want Reply
	}{
		{Get, 0, "VA 5 f16 O1", 5, Reply{Status: Found, Flags: 16}},
		{Get, 0, "VA 0 O1 f4294967295", 0, Reply{Status: Found, Flags: 1<<32 - 1}},
		{Get, 0, "EN", -1, Reply{}}, // without the token: an error, below
		{Get, 0, "EN O1", -1, Reply{Status: Miss}},
		{Get, 0, "VA 1 f0 O1 W X", 1, Reply{Status: Found}},
		{GetItem, 0, "VA 2 f0 c18446744073709551615 t-1 O1", 2, Reply{Status: Found, CAS: 1<<64 - 1, TTL: NoExpiry}},
		{GetItem, 0, "VA 2 f0 c1 t59 O1", 2, Reply{Status: Found, CAS: 1, TTL: 59}},
		{GetItem, 0, "VA 2 f0 c0 t99999999999 O1", 2, Reply{Status: Found, TTL: 1<<31 - 1}},
		{Vivify, 0, "VA 0 f0 c1 t60 O1 W", 0, Reply{Status: Found, CAS: 1, TTL: 60, Added: true}},
		{Vivify, 0, "VA 0 f0 c1 t60 O1 Z", 0, Reply{Status: Found, CAS: 1, TTL: 60}},
		{Vivify, 0, "VA 0 f0 c1 t60 O1 X W", 0, Reply{Status: Found, CAS: 1, TTL: 60}},
		{Touch, 0, "HD O1", -1, Reply{Status: OK}},
		{Touch, 0, "EN O1", -1, Reply{Status: Miss}},
		{Set, 0, "HD O1", -1, Reply{Status: OK}},
		{Add, 0, "NS O1", -1, Reply{Status: NotStored}},
		{Replace, 0, "NS O1", -1, Reply{Status: NotStored}},
		{Swap, 0, "EX O1", -1, Reply{Status: Exists}},
		{Swap, 0, "NF O1", -1, Reply{Status: Miss}},
		{Delete, 0, "HD O1", -1, Reply{Status: OK}},
		{Delete, 0, "NF O1", -1, Reply{Status: Miss}},
		{DeleteIf, 0, "EX O1", -1, Reply{Status: Exists}},
		{Increment, 0, "VA 3 O1", 3, Reply{Status: Found}},
		{Decrement, 0, "NF O1", -1, Reply{Status: Miss}},
		{AddGet, 0, "HD O1", -1, Reply{Status: OK}},
		{AddGet, 1, "VA 1 f0 c9 t1 O1", 1, Reply{Status: Found, CAS: 9, TTL: 1}},
		{AddGet, 2, "NS O1", -1, Reply{Status: NotStored}},
		{AddIncrement, 1, "VA 1 O1", 1, Reply{Status: Found}},
		{AddDecrement, 1, "VA 1 O1", 1, Reply{Status: Found}},
		{Noop, 0, "MN", -1, Reply{Status: OK}},
		{FlushAll, 0, "OK", -1, Reply{Status: OK}},
		{Authenticate, 0, "STORED", -1, Reply{Status: OK}},
		{Increment, 0, "CLIENT_ERROR cannot increment or decrement non-numeric value", -1, Reply{Status: NotNumber}},
		{Set, 0, "SERVER_ERROR object too large for cache", -1, Reply{Status: TooLarge}},
		{AddGet, 0, "SERVER_ERROR object too large for cache", -1, Reply{Status: TooLarge}},
	} {
		var r Reply
		size, err := tt.verb.Parse(tt.part, []byte(tt.line), 1, &r)
		if tt.line == "EN" {
			if err == nil {
				t.Errorf("verb %d: %q without the opaque token was accepted", tt.verb, tt.line)
			}
			continue
		}
		if err != nil || size != tt.size || fmt.Sprint(r) != fmt.Sprint(tt.want) {
			t.Errorf("verb %d: %q: size %d, %+v, error %v; want %d and %+v", tt.verb, tt.line, size, r, err, tt.size, tt.want)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, tt := range []struct {
		verb Verb
		line string
		want string
	}{
		{Version, "VERSION 1.6.18", "1.6.18"},
		{FlushAll, "CLIENT_ERROR flush_all not allowed", "flush_all not allowed"},
		{Authenticate, "CLIENT_ERROR authentication failure", "authentication failure"},
		{Get, "SERVER_ERROR out of memory", "out of memory"},
		{Set, "SERVER_ERROR out of memory storing object", "out of memory storing object"},
		{Noop, "SERVER_ERROR whatever", "whatever"},
	} {
		var r Reply
		if _, err := tt.verb.Parse(0, []byte(tt.line), 1, &r); err != nil || r.Text() != tt.want {
			t.Errorf("verb %d: %q: text %q, error %v; want %q", tt.verb, tt.line, r.Text(), err, tt.want)
		}
	}
}

// A line that does not fit the command is never a reply to it.
func TestMalformed(t *testing.T) {
	all := []Verb{
		Get, GetItem, GetAndTouch, Touch, Vivify, Set, Add, Replace, Swap, Delete, DeleteIf,
		Increment, Decrement, Noop, FlushAll, Version, Authenticate,
	}
	fits := map[string][]Verb{
		"HD O1":                          {Touch, Set, Add, Replace, Swap, Delete, DeleteIf},
		"VA 1 O1":                        {Increment, Decrement},
		"VA 1 f0 O1":                     {Get, GetAndTouch, Increment, Decrement},
		"VA 1 f0 c1 O1":                  {Get, GetAndTouch, Increment, Decrement},
		"VA 1 f0 c1 t1 O1":               {Get, GetAndTouch, GetItem, Vivify, Increment, Decrement},
		"VA 21 f0 c1 t1 O1":              {Get, GetAndTouch, GetItem, Vivify},
		"EN O1":                          {Get, GetItem, GetAndTouch, Touch, Vivify},
		"NF O1":                          {Swap, Delete, DeleteIf, Increment, Decrement},
		"NS O1":                          {Add, Replace},
		"EX O1":                          {Swap, DeleteIf},
		"MN":                             {Noop},
		"OK":                             {FlushAll},
		"STORED":                         {Authenticate},
		"VERSION 1":                      {Version},
		"CLIENT_ERROR non-numeric value": {Increment, Decrement, FlushAll, Authenticate},
		"CLIENT_ERROR x":                 {FlushAll, Authenticate},
	}
	for _, line := range []string{
		"", "H", "HD", "HDO1", "HD  O1", "HD O", "HD O2", "HD O12", "HD 01", "XX O1", "EN", "NF", "NS", "EX", "VA", "VA ", "VA x f0 O1",
		"VA -1 f0 c1 t1 O1", "VA 1 f c1 t1 O1", "VA 1 f4294967296 c1 t1 O1", "VA 1 f0 c1 t1", "VA 1 f0 c1 t1 O2",
		"VA 1 f0 c18446744073709551616 t1 O1", "VA 1 f0 cx t1 O1", "VA 1 f0 c1 tx O1", "VA 1 f0 c1 t-2 O1", "VA1 f0 c1 t1 O1",
		"VA 1073741825 f0 c1 t1 O1", "VA 99999999999999999999 f0 c1 t1 O1", "VALUE k 0 1", "ERROR", "ERROR Too many open connections",
		"CLIENT_ERROR", "SERVER_ERROR", "STORED O1", "\x81\x00", "HTTP/1.1 400 Bad Request", "hd O1", "MNX", "MN O1",
	} {
		fits[line] = nil
	}
	for line, verbs := range fits {
		for _, v := range all {
			var r Reply
			_, err := v.Parse(0, []byte(line), 1, &r)
			want := false
			for _, f := range verbs {
				want = want || f == v
			}
			if (err == nil) != want {
				t.Errorf("verb %d: %q: error %v, reply %+v", v, line, err, r)
			}
			var m *MalformedError
			if err != nil && !errors.As(err, &m) {
				t.Errorf("verb %d: %q: error %v is no MalformedError", v, line, err)
			}
		}
	}
}

func TestCount(t *testing.T) {
	for data, want := range map[string]uint64{"0": 0, "18446744073709551615": 1<<64 - 1, "007": 7} {
		var r Reply
		if err := r.Count([]byte(data)); err != nil || r.Number != want {
			t.Errorf("%q: %d, error %v; want %d", data, r.Number, err, want)
		}
	}
	for _, data := range []string{"", " ", "9 ", "-1", "18446744073709551616", "x"} {
		var r Reply
		if err := r.Count([]byte(data)); err == nil {
			t.Errorf("%q counts as %d", data, r.Number)
		}
	}
}

// The errors quote what came, but not all of it.
func TestLongLine(t *testing.T) {
	var r Reply
	_, err := Get.Parse(0, []byte(strings.Repeat("x", 2000)), 1, &r)
	if err == nil || len(err.Error()) > 200 {
		t.Errorf("error %v", err)
	}
}

// FuzzParse: no line makes the parser panic, or announces a value that is not wanted or too
// long.
func FuzzParse(f *testing.F) {
	for _, line := range []string{"VA 5 f16 c1 t-1 O1", "HD O1", "EN O1", "NF O1", "MN", "SERVER_ERROR out of memory", "VA 3 O1 W Z X"} {
		for v := Get; v <= Authenticate; v++ {
			f.Add(uint8(v), uint8(0), line)
			f.Add(uint8(v), uint8(1), line)
		}
	}
	f.Fuzz(func(t *testing.T, v, part uint8, line string) {
		verb := Verb(v)
		if verb < Get || verb > Authenticate {
			return
		}
		var r Reply
		size, err := verb.Parse(int(part), []byte(line), 1, &r)
		if err != nil {
			return
		}
		if r.Status == 0 {
			t.Errorf("verb %d: %q has no status", verb, line)
		}
		if (size >= 0) != (r.Status == Found) || size > MaxValue {
			t.Errorf("verb %d: %q: size %d with status %d", verb, line, size, r.Status)
		}
		if verb.Counts(int(part)) && size > maxCounter {
			t.Errorf("verb %d: %q: a counter of %d bytes", verb, line, size)
		}
	})
}

package protocol

import (
	"strings"
	"testing"
)

func TestRequests(t *testing.T) {
	r := Request{Key: "k", Value: []byte("v\r\n"), Flags: 16, Expiry: 60, CAS: 7, Delta: 5}
	plain := Request{Key: "k"}
	for _, tt := range []struct {
		verb  Verb
		plain bool
		want  string
	}{
		{Get, false, "mg k v f O1\r\n"},
		{GetItem, false, "mg k v f c t O1\r\n"},
		{GetAndTouch, false, "mg k v f T60 O1\r\n"},
		{GetAndTouch, true, "mg k v f T0 O1\r\n"},
		{Touch, false, "mg k T60 O1\r\n"},
		{Vivify, false, "mg k v f c t N60 O1\r\n"},
		{Set, false, "ms k 3 F16 T60 O1\r\nv\r\n\r\n"},
		{Set, true, "ms k 0 O1\r\n\r\n"},
		{Add, false, "ms k 3 ME F16 T60 O1\r\nv\r\n\r\n"},
		{Replace, false, "ms k 3 MR F16 T60 O1\r\nv\r\n\r\n"},
		{Swap, false, "ms k 3 C7 F16 T60 O1\r\nv\r\n\r\n"},
		{AddGet, false, "ms k 3 ME F16 T60 O1\r\nv\r\n\r\nmg k v f c t O2\r\n"},
		{Delete, false, "md k O1\r\n"},
		{DeleteIf, false, "md k C7 O1\r\n"},
		{Increment, false, "ma k v D5 O1\r\n"},
		{Decrement, false, "ma k v MD D5 O1\r\n"},
		{Increment, true, "ma k v D0 O1\r\n"},
		{AddIncrement, false, "ms k 3 ME F16 T60 O1\r\nv\r\n\r\nma k v D5 O2\r\n"},
		{AddDecrement, false, "ms k 3 ME F16 T60 O1\r\nv\r\n\r\nma k v MD D5 O2\r\n"},
		{Noop, false, "mn\r\n"},
		{FlushAll, false, "flush_all\r\n"},
		{Version, false, "version\r\n"},
		{Authenticate, false, "set auth 0 -1 3\r\nv\r\n\r\n"},
	} {
		req := r
		if tt.plain {
			req = plain
		}
		req.Verb = tt.verb
		if got := string(req.Append([]byte("before"), 1)); got != "before"+tt.want {
			t.Errorf("verb %d: %q, want %q", tt.verb, got, tt.want)
		}
		if n := strings.Count(tt.want, "\r\nm"); tt.verb.Replies() != n+1 {
			t.Errorf("verb %d has %d replies, want %d", tt.verb, tt.verb.Replies(), n+1)
		}
	}
}

// Each command has another token than those around it, and none has a character that
// would end it.
func TestTags(t *testing.T) {
	seen := map[byte]bool{}
	for tag := Tag(1<<32 - 100); tag != 100; tag++ {
		c := tag.char()
		if c <= ' ' || c >= 0x7f {
			t.Fatalf("tag %d is %q", tag, c)
		}
		if c == (tag + 1).char() {
			t.Fatalf("tags %d and %d are both %q", tag, tag+1, c)
		}
		seen[c] = true
	}
	if len(seen) != tags {
		t.Errorf("%d different tokens, want %d", len(seen), tags)
	}
}

package main

import (
	"slices"
	"testing"
	"time"
)

func TestContentCodec(t *testing.T) {
	for _, want := range []content{
		{shows: []string{"io", "errors"}, at: time.Now(), html: []byte("<p>\nx")},
		{at: time.Unix(0, 1)},
	} {
		b, err := contentCodec{}.Append([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := contentCodec{}.Decode(b[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.shows, want.shows) {
			t.Errorf("shows %q, want %q", got.shows, want.shows)
		}
		if !got.at.Equal(want.at) || string(got.html) != string(want.html) {
			t.Errorf("decoded %v and %q, want %v and %q", got.at, got.html, want.at, want.html)
		}
	}
	for _, bad := range []string{"", "\n", "io errors\n<p>", "2026-11-26T18:00:00Z io"} {
		if c, err := (contentCodec{}).Decode([]byte(bad)); err == nil {
			t.Errorf("%q is a page: %+v", bad, c)
		}
	}
}

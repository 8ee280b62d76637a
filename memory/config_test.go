package memory

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/encoding"
)

var dsnTest = cachetest.DSNTest[Config]{
	Scheme: name,
	Parse:  ParseDSN,
	Format: Config.FormatDSN,
	New:    New,
	Examples: []Config{
		{},
		{Buckets: 60, BucketInterval: 15 * time.Second},
		{MaxBytes: MinMaxBytes},
		{MaxBytes: math.MaxInt64, MaxEntries: math.MaxInt64, BucketInterval: math.MaxInt64},
		{MaxBytes: 2 << 30, MaxEntries: 1000, KeyEncoding: encoding.Safe()},
	},
	ConfigOnly: []string{"CheckReads"},
	Invalid: map[string]string{
		"memory:":                           "scheme",
		"null://":                           "scheme",
		"memory://host":                     "address",
		"memory:///path":                    "address",
		"memory://?buckets=0":               "buckets",
		"memory://?buckets=-1":              "buckets",
		"memory://?buckets=x":               "buckets",
		"memory://?bucket_interval=15":      "bucket_interval",
		"memory://?bucket_interval=-1s":     "bucket_interval",
		"memory://?max_bytes=1":             "max_bytes",
		"memory://?max_bytes=-1":            "max_bytes",
		"memory://?max_bytes=1MB":           "max_bytes",
		"memory://?max_entries=-1":          "max_entries",
		"memory://?max_entries=1e3":         "max_entries",
		"memory://?key_encoding=rot13":      "key_encoding",
		"memory://?check_reads=true":        `"check_reads"`,
		"memory://?buckets":                 "name=value",
		"memory://?max_bytes=9999999999GiB": "max_bytes",
	},
}

func TestDSN(t *testing.T) { dsnTest.Run(t) }

func FuzzDSN(f *testing.F) { dsnTest.Fuzz(f) }

// Sizes may have units, and a bound of 0 is none.
func TestSizes(t *testing.T) {
	for source, want := range map[string]Config{
		"memory://?max_bytes=1048576":               {MaxBytes: 1 << 20},
		"memory://?max_bytes=64KiB":                 {MaxBytes: 64 << 10},
		"memory://?max_bytes=2GiB&max_entries=1000": {MaxBytes: 2 << 30, MaxEntries: 1000},
		"memory://?max_bytes=0&max_entries=0":       {},
	} {
		got, err := ParseDSN(source)
		if err != nil || got.MaxBytes != want.MaxBytes || got.MaxEntries != want.MaxEntries {
			t.Errorf("ParseDSN(%q): %+v and error %v, want %+v", source, got, err, want)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for want, c := range map[string]Config{
		"Buckets":        {Buckets: -1},
		"BucketInterval": {BucketInterval: -1},
		"MaxBytes":       {MaxBytes: MinMaxBytes - 1},
		"MaxEntries":     {MaxEntries: -1},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%+v): error %v, want one that names %s", c, err, want)
		}
	}
}

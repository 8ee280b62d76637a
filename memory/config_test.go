package memory

import (
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
)

func TestDSN(t *testing.T) {
	for source, want := range map[string]Config{
		"memory://": {},
		"memory://?buckets=60&bucket_interval=15s":  {Buckets: 60, BucketInterval: 15 * time.Second},
		"memory://?max_bytes=1048576":               {MaxBytes: 1 << 20},
		"memory://?max_bytes=64KiB":                 {MaxBytes: 64 << 10},
		"memory://?max_bytes=2GiB&max_entries=1000": {MaxBytes: 2 << 30, MaxEntries: 1000},
		"memory://?max_bytes=0&max_entries=0":       {},
		"memory://?key_encoding=safe":               {KeyEncoding: encoding.Safe()},
	} {
		got, err := ParseDSN(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
		}
		if !same(got, want) {
			t.Errorf("%s: %+v, want %+v", source, got, want)
		}
		again, err := ParseDSN(got.FormatDSN())
		if err != nil || !same(got, again) {
			t.Errorf("%s: as %s: %+v, %v", source, got.FormatDSN(), again, err)
		}
		c, err := cache.Open(source)
		if err != nil {
			t.Errorf("open %s: %v", source, err)
			continue
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func same(a, b Config) bool {
	return a.Buckets == b.Buckets && a.BucketInterval == b.BucketInterval && a.MaxBytes == b.MaxBytes &&
		a.MaxEntries == b.MaxEntries && a.KeyEncoding.Equal(b.KeyEncoding) && a.CheckReads == b.CheckReads
}

func TestBadDSN(t *testing.T) {
	for source, want := range map[string]string{
		"memory:":                           "scheme",
		"null://":                           "scheme",
		"memory://host":                     "address",
		"memory:///path":                    "address",
		"memory://?buckets=0":               "buckets",
		"memory://?buckets=-1":              "buckets",
		"memory://?buckets=x":               "buckets",
		"memory://?buckets=1&buckets=2":     "buckets",
		"memory://?bucket_interval=15":      "bucket_interval",
		"memory://?bucket_interval=-1s":     "bucket_interval",
		"memory://?max_bytes=1":             "max_bytes",
		"memory://?max_bytes=-1":            "max_bytes",
		"memory://?max_bytes=1MB":           "max_bytes",
		"memory://?max_entries=-1":          "max_entries",
		"memory://?max_entries=1e3":         "max_entries",
		"memory://?key_encoding=rot13":      "key_encoding",
		"memory://?bucket=1":                `"bucket"`,
		"memory://?check_reads=true":        `"check_reads"`,
		"memory://?buckets":                 "name=value",
		"memory://?buckets=%zz":             "buckets",
		"memory://?max_bytes=9999999999GiB": "max_bytes",
	} {
		if c, err := ParseDSN(source); err == nil || !strings.Contains(err.Error(), want) || !same(c, Config{}) {
			t.Errorf("%s: %+v, %v; want an error about %s", source, c, err, want)
		}
		if _, err := cache.Open(source); err == nil {
			t.Errorf("open %s: no error", source)
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
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func FuzzDSN(f *testing.F) {
	f.Add("memory://?buckets=60&bucket_interval=15s&max_bytes=1GiB&max_entries=5&key_encoding=safe")
	f.Add("memory://?max_bytes=9223372036854775807")
	f.Fuzz(func(t *testing.T, source string) {
		c, err := ParseDSN(source)
		if err != nil {
			return
		}
		again, err := ParseDSN(c.FormatDSN())
		if err != nil || !same(c, again) {
			t.Errorf("%q: %+v is %s: %+v, %v", source, c, c.FormatDSN(), again, err)
		}
		m, err := New(c)
		if err != nil {
			t.Fatalf("%q: %v", source, err)
		}
		_ = m.Close()
	})
}

package main

import (
	"reflect"
	"testing"
)

func TestParseVendor(t *testing.T) {
	v, err := parseVendor([]byte(`# example.com/core v0.1.0
## explicit; go 1.25.0
example.com/core/cache
example.com/core/memory
# example.com/forversions v1.0.0
## explicit
# example.com/library v1.0.0
example.com/library
`))
	if err != nil {
		t.Fatal(err)
	}
	want := vendor{
		"example.com/core":    {"example.com/core/cache", "example.com/core/memory"},
		"example.com/library": {"example.com/library"},
	}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("parseVendor = %v, want %v", v, want)
	}
}

func TestParseVendorRefuses(t *testing.T) {
	for _, text := range []string{
		"# example.com/core v0.1.0 => ../core\n",
		"example.com/core/cache\n",
	} {
		if v, err := parseVendor([]byte(text)); err == nil {
			t.Errorf("parseVendor(%q) = %v, want an error", text, v)
		}
	}
}

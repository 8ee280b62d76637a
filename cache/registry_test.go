package cache_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/memory"
	_ "github.com/larder-go/larder/null"
)

func TestOpen(t *testing.T) {
	for _, source := range []string{"memory://", "null://", "memory://?key_encoding=safe"} {
		c, err := cache.Open(source)
		if err != nil {
			t.Errorf("Open(%q): %v", source, err)
			continue
		}
		if err := c.Set(t.Context(), "k", []byte("v"), 0); err != nil {
			t.Errorf("Set in %s: %v", source, err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("Close of %s: %v", source, err)
		}
	}
}

// schemes counts the schemes of newScheme.
var schemes atomic.Int64

// newScheme returns a scheme that is not registered, however often the tests run.
func newScheme() string { return fmt.Sprint("stub-", schemes.Add(1)) }

func TestOpenPassesTheSource(t *testing.T) {
	want := errors.New("of the driver")
	var got string
	scheme := newScheme()
	cache.Register(scheme, func(source string) (*cache.Cache, error) {
		got = source
		return nil, want
	})
	if _, err := cache.Open(scheme + "://h?a=1"); err != want || got != scheme+"://h?a=1" {
		t.Errorf("the driver got %q, and the caller the error %v", got, err)
	}
}

// The error of an unknown scheme lists the known ones and gives the usual reason.
func TestOpenUnknownDriver(t *testing.T) {
	_, err := cache.Open("memroy://")
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{`"memroy"`, "import", "memory", "null"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not contain %q", err, part)
		}
	}
}

func TestOpenNeverRepeatsSecrets(t *testing.T) {
	const secret = "hunter2"
	for _, source := range []string{
		secret, "user:" + secret + "@host", "user:" + secret + "@host://", "unknown://user:" + secret + "@host",
		"unknown://h?password=" + secret, "memory://user:" + secret + "@host", "memory://" + secret, "memory://?password=" + secret,
		"memory://?buckets=1&" + secret, "memory://?buckets=1&buckets=" + secret, "memory://?" + secret + "%zz", "memory://#" + secret,
		"null://:" + secret + "@", "null:///" + secret, "null://?token=" + secret, "://" + secret, ":" + secret + "://",
	} {
		_, err := cache.Open(source)
		if err == nil {
			t.Errorf("Open(%q): no error", source)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("Open(%q): the error %q repeats the secret", source, err)
		}
	}
}

func TestOpenWithoutScheme(t *testing.T) {
	for _, source := range []string{"", "memory", "memory:", "/tmp/x"} {
		if _, err := cache.Open(source); err == nil || !strings.Contains(err.Error(), "memory://") {
			t.Errorf("Open(%q): error %v, want one that shows what a DSN looks like", source, err)
		}
	}
}

func TestRegisterPanics(t *testing.T) {
	fail := func(string) (*cache.Cache, error) { return nil, errors.New("never opened") }
	scheme, unused := newScheme(), newScheme()
	cache.Register(scheme, fail)
	for name, register := range map[string]func(){
		"twice":       func() { cache.Register(scheme, fail) },
		"no function": func() { cache.Register(unused, nil) },
	} {
		func() {
			defer func() {
				if p, ok := recover().(string); !ok || !strings.Contains(p, "stub-") {
					t.Errorf("%s: panic %q, want one that names the scheme", name, p)
				}
			}()
			register()
		}()
	}
	// The lock is free again.
	if drivers := cache.Drivers(); !slices.Contains(drivers, scheme) || slices.Contains(drivers, unused) {
		t.Errorf("Drivers returned %q, want %q and not %q", drivers, scheme, unused)
	}
}

func TestDriversAreSorted(t *testing.T) {
	got := cache.Drivers()
	if !slices.IsSorted(got) || !slices.Contains(got, "memory") || !slices.Contains(got, "null") {
		t.Errorf("Drivers: %q, want memory and null, sorted", got)
	}
}

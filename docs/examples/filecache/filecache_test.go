package filecache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/docs/examples/filecache"
	"github.com/larder-go/larder/encoding"
)

func ExampleParseDSN() {
	config, err := filecache.ParseDSN("file:///var/cache/app?key_encoding=safe")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.Dir)
	fmt.Println(config.FormatDSN())
	// Output:
	// /var/cache/app
	// file:///var/cache/app?key_encoding=safe
}

var dsnTest = cachetest.DSNTest[filecache.Config]{
	Scheme: "file",
	Parse:  filecache.ParseDSN,
	Format: filecache.Config.FormatDSN,
	Examples: []filecache.Config{
		{},
		{Dir: "/var/cache/app"},
		{Dir: "/with space/ü/100%/a?b#c@d"},
		{Dir: "/x", KeyEncoding: encoding.Compose(encoding.Safe(), encoding.Base64())},
	},
	Invalid: map[string]string{
		"file://host/dir":                    "three slashes",
		"file:dir":                           "scheme",
		"file:///dir%zz":                     "escape",
		"file:///dir?size=3":                 `unknown parameter "size"; known parameters: key_encoding`,
		"file:///dir?key_encoding=rot13":     "parameter key_encoding",
		"file:///d?key_encoding=md5&size=":   `"size"`,
		"file://user:password@host/":         "three slashes",
		"file:///dir?key_encoding=md5;x=sha": "semicolon",
	},
}

func TestDSN(t *testing.T) { dsnTest.Run(t) }

func FuzzDSN(f *testing.F) { dsnTest.Fuzz(f) }

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "open")
	c, err := cache.Open(filecache.Config{Dir: dir}.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

func TestNewErrors(t *testing.T) {
	if _, err := filecache.New(filecache.Config{Dir: "relative"}); err == nil {
		t.Error("New took a relative path")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := filecache.New(filecache.Config{Dir: file}); err == nil {
		t.Error("New took a file for a folder")
	}
}

func TestDefaultFolder(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	open(t, "")
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.Base(os.Args[0]))); err != nil {
		t.Error(err)
	}
}

// Items outlive the cache that stored them.
func TestRestart(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	c := open(t, dir)
	set(t, c, "a/b", []byte("value"), time.Hour)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, dir).Get(ctx, "a/b")
	if err != nil || string(got) != "value" {
		t.Errorf("after a restart Get = %q, %v", got, err)
	}
}

// A file that is truncated or changed anywhere is a miss, and can be stored again.
func TestDamagedFile(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	c := open(t, dir)
	set(t, c, "key", []byte("value"), time.Hour)
	file := items(t, dir)[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Get(ctx, "key"); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("%s: Get = %q, %v, want a miss", what, got, err)
		}
	}
	for i := range whole {
		damaged(fmt.Sprintf("cut at %d", i), whole[:i])
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		damaged(fmt.Sprintf("changed at %d", i), changed)
	}
	if err := c.Add(ctx, "key", []byte("again"), 0); err != nil {
		t.Errorf("Add over a damaged file: %v", err)
	}
}

// The files of expired items are removed although the items are never read, and files of
// others stay.
func TestExpiredFilesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 50
		dir := t.TempDir()
		c := open(t, dir)
		for i := range n {
			set(t, c, fmt.Sprintf("short-%d", i), []byte("x"), time.Second)
		}
		abandoned, foreign := filepath.Join(dir, "1.temp"), filepath.Join(dir, "notes.txt")
		for _, name := range []string{abandoned, foreign} {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(name, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		for range n {
			set(t, c, "other", []byte("x"), 0)
		}
		if left := items(t, dir); len(left) != 1 {
			t.Errorf("%d items on disk after the others expired, want 1", len(left))
		}
		if _, err := os.Stat(abandoned); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the temporary file of a program that crashed: %v, want it removed", err)
		}
		if err := c.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		if left := items(t, dir); len(left) != 0 {
			t.Errorf("%d items after Flush", len(left))
		}
		if _, err := os.Stat(foreign); err != nil {
			t.Errorf("a file of another program: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A folder that cannot be used is an outage and not a miss.
func TestOutage(t *testing.T) {
	ctx := t.Context()
	c := gone(t)
	defer c.Close()
	_, err := c.Get(ctx, "key")
	var e *cache.Error
	if !errors.Is(err, cache.ErrUnavailable) || !errors.As(err, &e) || e.Driver != "file" || e.Op != cache.OpGet {
		t.Errorf("Get without the folder: %v", err)
	}
	if err := c.Ping(ctx); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Ping without the folder: %v", err)
	}
}

// gone opens a cache whose folder is then taken away.
func gone(t *testing.T) *cache.Cache {
	dir := filepath.Join(t.TempDir(), "gone")
	c, err := filecache.New(filecache.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, dir string) *cache.Cache {
	t.Helper()
	c, err := filecache.New(filecache.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func set(t *testing.T, c *cache.Cache, key string, value []byte, ttl time.Duration) {
	t.Helper()
	if err := c.Set(context.Background(), key, value, ttl); err != nil {
		t.Fatal(err)
	}
}

func items(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.item"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

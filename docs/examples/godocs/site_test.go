package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/docs/examples/filecache"
	"github.com/larder-go/larder/memory"
	"github.com/larder-go/larder/null"
)

func newMemory(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := memory.New(memory.Config{})
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

// deadCache returns a cache that is out of order: its folder is gone.
func deadCache(t *testing.T) *cache.Cache {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gone")
	c, err := filecache.New(filecache.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	return c
}

func fakeSite(t *testing.T, goroot string, c *cache.Cache) *site {
	t.Helper()
	return siteOf(t, fakeLibrary(t, goroot), c, 30*time.Minute)
}

func siteOf(t *testing.T, l *library, c *cache.Cache, refresh time.Duration) *site {
	t.Helper()
	s, err := newSite(l, c, time.Hour, refresh)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// readAll reads every page and returns the paths of those that were rendered.
func readAll(t *testing.T, s *site) (rendered []string) {
	t.Helper()
	for _, path := range s.library.paths() {
		if !read(t, s, path).hit {
			rendered = append(rendered, path)
		}
	}
	return rendered
}

func read(t *testing.T, s *site, path string) view {
	t.Helper()
	v, err := s.page(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if v.trouble != nil {
		t.Fatal(v.trouble)
	}
	return v
}

// For every package: when it changes, the pages that show something of it are rendered
// again, and no others.
func TestInvalidateIsExact(t *testing.T) {
	s := fakeSite(t, fakeRoot, newMemory(t))
	if got, want := readAll(t, s), s.library.paths(); !slices.Equal(got, want) {
		t.Fatalf("a cold cache: rendered %v, want %v", got, want)
	}
	if got := readAll(t, s); len(got) != 0 {
		t.Fatalf("a warm cache: rendered %v", got)
	}
	for _, path := range s.library.paths() {
		dropped, _, err := s.invalidate(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		want := s.library.affected(path)
		if diff := cmp.Diff(want, dropped); diff != "" {
			t.Errorf("%s changed: dropped (-want +got)\n%s", path, diff)
		}
		if diff := cmp.Diff(want, readAll(t, s)); diff != "" {
			t.Errorf("%s changed: rendered again (-want +got)\n%s", path, diff)
		}
	}
}

// Pages that were dropped for one package are not counted for the next.
func TestInvalidateCountsPagesInTheCache(t *testing.T) {
	s := fakeSite(t, fakeRoot, newMemory(t))
	readAll(t, s)
	for _, test := range []struct {
		path string
		want []string
	}{
		{"unsafe", []string{"alpha", "unsafe"}},
		{"alpha", []string{"beta", "vendor/golang.org/x/outside"}},
		{"beta", []string{"beta/deep"}},
	} {
		dropped, _, err := s.invalidate(t.Context(), test.path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, dropped); diff != "" {
			t.Errorf("%s changed: dropped (-want +got)\n%s", test.path, diff)
		}
	}
}

// An edit shows on the pages that it concerns once it is announced.
func TestEditedSource(t *testing.T) {
	root := copyTree(t)
	s := fakeSite(t, root, newMemory(t))
	readAll(t, s)
	edit(t, root, "alpha/alpha.go", "what others build on", "as good as new")
	const news = "as good as new"
	if strings.Contains(string(read(t, s, "beta").html), news) {
		t.Fatal("the page was not cached")
	}
	if _, _, err := s.invalidate(t.Context(), "alpha"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"alpha", "beta"} {
		if !strings.Contains(string(read(t, s, path).html), news) {
			t.Errorf("the page of %s is out of date", path)
		}
	}
	if got := s.library.get("alpha").Synopsis; !strings.Contains(got, news) {
		t.Errorf("the index still says %q", got)
	}
}

// A page has the tag of a new import from the next time on that it is rendered.
func TestEditedImports(t *testing.T) {
	root := copyTree(t)
	s := fakeSite(t, root, newMemory(t))
	readAll(t, s)
	edit(t, root, "alone/alone.go", "package alone", "package alone\n\nimport _ \"fmt\"")
	// Another program announces it: this one learns of it as it renders.
	if _, _, err := fakeSite(t, root, s.cache).invalidate(t.Context(), "alone"); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, s, "alone").shows, []string{"alone", "fmt"}; !slices.Equal(got, want) {
		t.Errorf("shows %v, want %v", got, want)
	}
	dropped, _, err := s.invalidate(t.Context(), "fmt")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"alone", "fmt"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %v, want %v", dropped, want)
	}
}

// onSwap calls do when a page is about to be stored, the first time.
type onSwap struct {
	once sync.Once
	do   func()
}

func (h *onSwap) Start(ctx context.Context, o cache.Call) context.Context {
	if o.Op == cache.OpCompareAndSwapMulti {
		h.once.Do(h.do)
	}
	return ctx
}

func (h *onSwap) End(context.Context, cache.Call, cache.Result) {}

// A package changes when a page has been rendered and not yet been stored: the page is
// out of date and must not be kept.
func TestChangeWhileRendering(t *testing.T) {
	const news = "as good as new"
	root := copyTree(t)
	c := newMemory(t)
	other := fakeSite(t, root, c)
	s := fakeSite(t, root, c.WithHook(&onSwap{do: func() {
		edit(t, root, "alpha/alpha.go", "what others build on", news)
		if _, _, err := other.invalidate(context.Background(), "alpha"); err != nil {
			t.Error(err)
		}
	}}))
	read(t, s, "beta") // of before the change, or after it
	if v := read(t, s, "beta"); v.hit || !strings.Contains(string(v.html), news) {
		t.Errorf("hit %v: a page that is out of date was kept", v.hit)
	}
	if v := read(t, s, "beta"); !v.hit {
		t.Error("the page that is right was not kept")
	}
}

// counter counts the pages that are stored.
type counter struct{ stored atomic.Int32 }

func (h *counter) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (h *counter) End(_ context.Context, o cache.Call, r cache.Result) {
	if o.Op == cache.OpCompareAndSwapMulti && r.Err == nil {
		h.stored.Add(1)
	}
}

// Many readers of a page that is not there cause one rendering.
func TestStampede(t *testing.T) {
	var count counter
	s := fakeSite(t, fakeRoot, newMemory(t).WithHook(&count))
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if v, err := s.page(t.Context(), "alpha"); err != nil || v.trouble != nil || len(v.html) == 0 {
				t.Errorf("%d bytes, %v, %v", len(v.html), v.trouble, err)
			}
		})
	}
	wg.Wait()
	if n := count.stored.Load(); n != 1 {
		t.Errorf("rendered and stored %d times, want once", n)
	}
}

// A reader who leaves does not take the rendering from the others.
func TestReaderLeaves(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	s := fakeSite(t, fakeRoot, newMemory(t).WithHook(&onSwap{do: leave}))
	if _, err := s.page(ctx, "alpha"); err != nil {
		t.Error(err)
	}
	if v := read(t, s, "alpha"); !v.hit {
		t.Error("the page was rendered for nothing")
	}
}

// Pages are served whatever the cache does, and what it does is told.
func TestDeadCache(t *testing.T) {
	s := fakeSite(t, fakeRoot, deadCache(t))
	v, err := s.page(t.Context(), "alpha")
	if err != nil {
		t.Fatal(err)
	}
	if !errors.Is(v.trouble, cache.ErrUnavailable) {
		t.Errorf("trouble = %v, want an outage", v.trouble)
	}
	if v.hit || !strings.Contains(string(v.html), "package alpha") {
		t.Errorf("hit %v, page %.60q", v.hit, v.html)
	}
	if _, _, err := s.invalidate(t.Context(), "alpha"); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("invalidate: %v, want an outage", err)
	}
}

// breakOn takes the folder of a cache away when an operation begins.
type breakOn struct {
	op  cache.Op
	dir string
}

func (h breakOn) Start(ctx context.Context, o cache.Call) context.Context {
	if o.Op == h.op {
		_ = os.RemoveAll(h.dir) // if it fails, so does the test: the cache goes on
	}
	return ctx
}

func (breakOn) End(context.Context, cache.Call, cache.Result) {}

// A cache that fails at any later step costs the caching and not the page.
func TestCacheFailsOnTheWay(t *testing.T) {
	for _, op := range []cache.Op{cache.OpGetMulti, cache.OpGetOrAddMulti, cache.OpCompareAndSwapMulti} {
		dir := t.TempDir()
		c, err := filecache.New(filecache.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s := fakeSite(t, fakeRoot, c.WithHook(breakOn{op, dir}))
		v, err := s.page(t.Context(), "alpha")
		if err != nil || !errors.Is(v.trouble, cache.ErrUnavailable) || v.hit || len(v.html) == 0 {
			t.Errorf("%v fails: hit %v, %d bytes, trouble %v, error %v", op, v.hit, len(v.html), v.trouble, err)
		}
	}
}

func TestNullCache(t *testing.T) {
	s := fakeSite(t, fakeRoot, null.New(null.Config{}))
	for range 2 {
		if v := read(t, s, "alpha"); v.hit || len(v.html) == 0 {
			t.Errorf("hit %v, %d bytes", v.hit, len(v.html))
		}
	}
	if dropped, _, err := s.invalidate(t.Context(), "alpha"); err != nil || len(dropped) > 0 {
		t.Errorf("invalidate: %v, %v", dropped, err)
	}
}

func TestUnknownPackage(t *testing.T) {
	s := fakeSite(t, fakeRoot, newMemory(t))
	for _, path := range []string{"", "nowhere", "../../etc", "cmd/tool", "alpha/alpha.go", strings.Repeat("long/", 100) + "path"} {
		if _, err := s.page(t.Context(), path); !errors.Is(err, errNoPackage) {
			t.Errorf("page %q: %v", path, err)
		}
		if _, _, err := s.invalidate(t.Context(), path); !errors.Is(err, errNoPackage) {
			t.Errorf("invalidate %q: %v", path, err)
		}
	}
}

// That there is no such package is remembered, until it is said to have changed.
func TestNotFoundIsRemembered(t *testing.T) {
	root := copyTree(t)
	s := fakeSite(t, root, newMemory(t))
	look := func() (hit bool) {
		t.Helper()
		v, err := s.page(t.Context(), "newcomer")
		if !errors.Is(err, errNoPackage) || v.trouble != nil || v.hit == v.rendered {
			t.Fatalf("the page of a newcomer: %+v, error %v", v, err)
		}
		return v.hit
	}
	if look() {
		t.Error("the first reader hit")
	}
	dir := filepath.Join(root, "src", "newcomer")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "newcomer.go"), []byte("package newcomer\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if !look() {
		t.Error("the sources were looked at again")
	}
	if _, _, err := s.invalidate(t.Context(), "newcomer"); err != nil {
		t.Fatal(err)
	}
	if v := read(t, s, "newcomer"); v.hit || !strings.Contains(string(v.html), "package newcomer") {
		t.Errorf("hit %v, page %.60q", v.hit, v.html)
	}
	// And the other way around.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if dropped, _, err := s.invalidate(t.Context(), "newcomer"); err != nil || !slices.Equal(dropped, []string{"newcomer"}) {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	if look() {
		t.Error("the first reader after it was removed hit")
	}
	if s.library.get("newcomer") != nil {
		t.Error("the index still has it")
	}
}

// blocker keeps pages from being stored until it is closed.
type blocker chan struct{}

func (b blocker) Start(ctx context.Context, call cache.Call) context.Context {
	if call.Op == cache.OpCompareAndSwapMulti && call.Within == cache.OpRefresh {
		<-b
	}
	return ctx
}

func (blocker) End(context.Context, cache.Call, cache.Result) {}

// An old page is served while it is rendered again, and an edit that nobody announced shows
// on it after that.
func TestOldPageIsServedWhileRendering(t *testing.T) {
	const news = "as good as new"
	root := copyTree(t)
	goOn := make(blocker)
	s := siteOf(t, fakeLibrary(t, root), newMemory(t).WithHook(goOn), time.Millisecond)
	read(t, s, "alpha")
	edit(t, root, "alpha/alpha.go", "what others build on", news)
	time.Sleep(2 * time.Millisecond) // the page is old from then on, however long this takes
	for range 3 {
		if v := read(t, s, "alpha"); !v.hit || !s.old(v.content) || strings.Contains(string(v.html), news) {
			t.Errorf("hit %v, page %.60q: want the old page", v.hit, v.html)
		}
	}
	close(goOn)
	for deadline := time.Now().Add(renderedSoon); !strings.Contains(string(read(t, s, "alpha").html), news); {
		if time.Now().After(deadline) {
			t.Fatal("the page was not rendered again")
		}
		time.Sleep(time.Millisecond)
	}
	for deadline := time.Now().Add(renderedSoon); ; time.Sleep(time.Millisecond) { // a refresh is counted after its page is stored
		total, _ := s.activity.read()
		if total.Loads == 1 && total.Refreshes >= 1 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("counted %+v, want 1 load and a refresh", total)
		}
	}
}

// clear leaves what others keep in the same cache.
func TestClear(t *testing.T) {
	c := newMemory(t)
	if err := c.Set(t.Context(), "of-others", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	s := fakeSite(t, fakeRoot, c.WithPrefix("godocs/"))
	readAll(t, s)
	if err := s.clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.Entries != 1 {
		t.Errorf("%d entries are left, want 1", stats.Entries)
	}
	if _, err := c.Get(t.Context(), "of-others"); err != nil {
		t.Error(err)
	}
}

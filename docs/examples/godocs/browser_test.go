package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var shots = flag.String("shots", "", "save pictures of the pages in this `folder`, to look at")

// startSite serves the documentation of a Go.
func startSite(t *testing.T, goroot, example string) (url string, s *server) {
	t.Helper()
	m, err := serveMetrics("127.0.0.1:0", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	s = &server{site: fakeSite(t, goroot, m.hook.Watch(newMemory(t))), example: example, metrics: m}
	h := httptest.NewServer(s.handler())
	t.Cleanup(h.Close)
	return h.URL, s
}

// A browser can do everything that the start page suggests.
func TestBrowserMainPath(t *testing.T) {
	b := startBrowser(t)
	url, s := startSite(t, fakeRoot, "alpha")
	s.warm.run(t.Context(), s.site)
	tb := b.newTab(t, 1280, "light")

	tb.open(url + "/")
	tb.expect("larder is a caching library for Go.", "documentation of go1.99.0 from a cache: memory",
		"It drops 3 of the 9 pages", "All 9 pages were rendered ahead")
	tb.click(`main a[href="/pkg/alpha"]`)
	tb.wait(`location.pathname === "/pkg/alpha"`)
	tb.expect("larder is a caching library for Go.", "HIT from the cache in", "2 tags", "package alpha")

	tb.click("aside button")
	tb.wait(`location.pathname === "/changes/1"`)
	const result = "One invalidation dropped 3 of 9 pages"
	tb.expect(result, "vendor/golang.org/x/outside")
	// Reading the result again does not press the button again.
	tb.must("Page.reload", nil, nil)
	tb.wait(`location.pathname === "/changes/1" && performance.getEntriesByType("navigation")[0].type === "reload"`)
	tb.expect(result)

	for _, want := range []string{"MISS rendered in", "HIT from the cache in"} {
		tb.open(url + "/pkg/alpha")
		tb.expect(want)
	}
	tb.open(url + "/pkg/alone")
	tb.expect("HIT from the cache in")

	tb.open(url + "/stats")
	tb.expect("Hits 3 ", "23 % of all 13 that were read", "Loads 10 ", "Waits 0 ", "Refreshes 0 ", "Invalidations 1 ", "alpha 3 ")
	var bars map[string]int
	if err := tb.eval(`Object.fromEntries(["hits", "loads", "invalidations"].map(c => [c, [...document.querySelectorAll("rect." + c)].filter(r => r.getBBox().height > 0).length]))`, &bars); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hits", "loads", "invalidations"} {
		if bars[name] == 0 {
			t.Errorf("the picture has no bar for %s", name)
		}
	}

	l := tb.logged()
	for _, problem := range l.problems {
		t.Errorf("the console shows %s", problem)
	}
	for _, request := range l.requests {
		if !strings.HasPrefix(request, url+"/") {
			t.Errorf("the page asked for %s", request)
		}
	}

	// A folder that does not exist. The console shows the status 404 of it.
	for _, want := range []string{"MISS There is no such folder", "HIT The cache remembers it"} {
		tb.open(url + "/pkg/nowhere")
		tb.expect(`no such package: "nowhere"`, want)
	}
}

// A reader of an old page gets it at once, and is told so.
func TestBrowserOldPage(t *testing.T) {
	b := startBrowser(t)
	s := &server{site: siteOf(t, fakeLibrary(t, fakeRoot), newMemory(t), time.Millisecond), example: "alpha"}
	h := httptest.NewServer(s.handler())
	t.Cleanup(h.Close)
	tb := b.newTab(t, 1280, "light")
	tb.open(h.URL + "/")
	tb.expect("Wait for 1ms and open alpha once more")
	tb.open(h.URL + "/pkg/alpha")
	tb.expect("MISS rendered in")
	tb.open(h.URL + "/pkg/alpha")
	tb.expect("HIT from the cache in", "This page is older than 1ms. It is served at once")
}

// The list follows what one types, and says so when nothing is left.
func TestBrowserSearch(t *testing.T) {
	b := startBrowser(t)
	url, _ := startSite(t, fakeRoot, "alpha")
	tb := b.newTab(t, 390, "light")
	tb.open(url + "/packages")
	typed := func(text string) {
		t.Helper()
		tb.must("Runtime.evaluate", map[string]any{"expression": `document.getElementById("filter").focus(); document.getElementById("filter").select()`}, nil)
		tb.must("Input.insertText", map[string]any{"text": text}, nil)
	}
	typed("deep")
	tb.wait(`document.getElementById("count").textContent === "1 of 9 packages"`)
	tb.expect("beta/deep")
	typed("nothing like it")
	tb.wait(`document.getElementById("count").textContent === "0 of 9 packages"`)
	tb.expect("No package has that in its name or description.")
	typed("alpha")
	tb.wait(`document.getElementById("count").textContent.startsWith("4 ")`)
	if text := tb.text("main"); strings.Contains(text, "No package has") {
		t.Errorf("packages are found, and the page says\n%s", text)
	}
	// Without the script, by the form.
	tb.open(url + "/packages?q=nothing+like+it")
	tb.expect("0 of 9 packages", "No package has “nothing like it” in its name or description.")
}

// long looks at more pages: go test ./godocs -args -long
var long = flag.Bool("long", false, "look at the largest pages too")

//go:embed testdata/audit.js
var audit string

// Pages of every kind, for the Go on this machine, fit into the window, have text that can be
// read in light and dark, and have labels, headings in order, and links that lead somewhere.
func TestBrowserAudit(t *testing.T) {
	b := startBrowser(t)
	url, s := startSite(t, "", "io")
	s.changes.add(change{At: time.Now(), Path: "io", Dropped: s.site.library.affected("io"), Took: time.Millisecond})
	pages := map[string]string{
		"home": "/", "packages": "/packages?all=1", "search": "/packages?q=nothing+like+it", "change": "/changes/1", "stats": "/stats",
		"io": "/pkg/io", "syscall": "/pkg/syscall", "missing": "/pkg/nowhere",
	}
	if *long {
		maps.Copy(pages, map[string]string{"http": "/pkg/net/http", "builtin": "/pkg/builtin", "tls": "/pkg/crypto/tls"})
	}
	tb := b.newTab(t, 1280, "light")
	for name, path := range pages {
		tb.open(url + path)
		for _, width := range []int{1280, 390, 320} {
			for _, scheme := range []string{"light", "dark"} {
				if scheme == "dark" && width == 320 {
					continue // that depends on one or the other
				}
				tb.show(width, scheme)
				var problems []string
				if err := tb.eval(audit, &problems); err != nil {
					t.Fatal(err)
				}
				for _, problem := range problems {
					t.Errorf("%s at %d pixels, %s: %s", path, width, scheme, problem)
				}
				tb.shoot(fmt.Sprintf("%s-%d-%s", name, width, scheme))
			}
		}
	}
}

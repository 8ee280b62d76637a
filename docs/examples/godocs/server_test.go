package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/null"
)

func newServer(t *testing.T, c *cache.Cache) http.Handler {
	t.Helper()
	return (&server{site: fakeSite(t, fakeRoot, c), example: "alpha"}).handler()
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// press posts the button of a page.
func press(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	body := url.Values{"package": {path}}.Encode()
	r := httptest.NewRequest(http.MethodPost, "/invalidate", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func expect(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d", w.Code, status)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the response lacks %s\n%s", text, w.Body)
		}
	}
}

func TestServePage(t *testing.T) {
	h := newServer(t, newMemory(t))
	for _, want := range []string{"MISS", "HIT"} {
		w := get(h, "/pkg/beta/deep")
		expect(t, w, http.StatusOK,
			"<strong>"+want+"</strong>", "<h1>package deep</h1>",
			`<li><a href="/pkg/beta/deep">beta/deep</a></li><li><a href="/pkg/beta">beta</a></li>`,
			`name="package" value="beta/deep"`)
		if got := w.Header().Get("X-Cache"); got != want {
			t.Errorf("X-Cache: %q, want %q", got, want)
		}
	}
	expect(t, follow(t, h, press(h, "beta"), "/changes/1"), http.StatusOK,
		"One invalidation dropped 1 of 9 pages", `<li><a href="/pkg/beta/deep">beta/deep</a></li>`)
	expect(t, get(h, "/pkg/beta/deep"), http.StatusOK, "<strong>MISS</strong>")
	// Nobody has read a page that shows alone.
	expect(t, follow(t, h, press(h, "alone"), "/changes/2"), http.StatusOK, "The invalidation dropped no page")
}

// follow checks that a response leads to a page, and gets that.
func follow(t *testing.T, h http.Handler, w *httptest.ResponseRecorder, want string) *httptest.ResponseRecorder {
	t.Helper()
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != want {
		t.Fatalf("status %d, Location %q, want %d and %q", w.Code, got, http.StatusSeeOther, want)
	}
	return get(h, want)
}

// Every page says whose demo it is, and is not kept by browsers.
func TestServeLayout(t *testing.T) {
	h := newServer(t, newMemory(t))
	press(h, "alpha")
	for _, target := range []string{"/", "/packages", "/packages?q=nothing", "/pkg/alpha", "/changes/1", "/stats", "/pkg/nowhere"} {
		w := get(h, target)
		expect(t, w, w.Code, "<!DOCTYPE html>", `<html lang="en">`, `content="width=device-width, initial-scale=1"`,
			`>larder</a> is a caching library for Go. This demo serves the documentation of go1.99.0 from a cache: memory.</p>`,
			`<link rel="icon" href="/icon.svg"`, "- larder demo</title>")
		for name, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
		for _, problem := range unbalanced(w.Body.String()) {
			t.Errorf("%s: %s", target, problem)
		}
	}
}

// tag matches the beginning of an element, or its end.
var tag = regexp.MustCompile(`<(/?)([a-z][a-z0-9]*)[^>]*?(/?)>`)

// unbalanced tells which elements of a document do not end as they should. Those whose end
// may be left out are not looked at.
func unbalanced(document string) (problems []string) {
	alone := []string{"p", "li", "meta", "link", "input", "br"}
	var open []string
	for _, m := range tag.FindAllStringSubmatch(document, -1) {
		end, name := m[1] != "", m[2]
		switch {
		case slices.Contains(alone, name) || m[3] != "":
		case !end:
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			return append(problems, "unexpected "+m[0]+" in "+strings.Join(open, " "))
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		problems = append(problems, "no end of "+strings.Join(open, " "))
	}
	return problems
}

func TestUnbalanced(t *testing.T) {
	for document, want := range map[string]int{
		"<ul><li>a<li>b</ul><p>x<br>": 0, "<ul><li>a": 1, "<a><b></a></b>": 1, "</a>": 1, `<rect x="1"/>`: 0,
	} {
		if got := len(unbalanced(document)); got != want {
			t.Errorf("%s: %d problems, want %d", document, got, want)
		}
	}
}

func TestServeHome(t *testing.T) {
	s := &server{site: fakeSite(t, fakeRoot, newMemory(t)), example: "alpha"}
	h := s.handler()
	const ready = "All 9 pages were rendered ahead"
	w := get(h, "/")
	expect(t, w, http.StatusOK, "It drops 3 of the 9 pages", `name="package" value="alpha"`, `<a href="/pkg/alone">alone</a>`)
	if strings.Contains(w.Body.String(), ready) {
		t.Error("nothing was rendered ahead")
	}
	s.warm.set(func(w *warmState) { *w = warmState{Total: 9, Done: 4, Running: true} })
	for _, target := range []string{"/", "/changes/1"} {
		if target != "/" {
			press(h, "alpha")
		}
		expect(t, get(h, target), http.StatusOK, "4 of 9 are in the cache so far", "an invalidation drops fewer pages")
	}
	s.warm.set(func(w *warmState) { *w = warmState{Total: 9, Trouble: "no <server>"} })
	expect(t, get(h, "/"), http.StatusOK, "the cache could not be used: no &lt;server&gt;")
	s.warm.run(t.Context(), s.site)
	expect(t, get(h, "/"), http.StatusOK, ready)

	// An example that is not in the library gives way to what most packages import.
	s.example = "io"
	expect(t, get(h, "/"), http.StatusOK, `name="package" value="alpha"`)
	expect(t, get(newServer(t, null.New(null.Config{})), "/"), http.StatusOK, "This cache keeps nothing, by design")
}

func TestServePackages(t *testing.T) {
	h := newServer(t, newMemory(t))
	w := get(h, "/packages")
	expect(t, w, http.StatusOK, `>7 of 9 packages</p>`, `<p id="none" class="note" hidden>`,
		`<li><a href="/pkg/beta/deep">beta/deep</a> <span>Package deep uses beta`)
	if strings.Contains(w.Body.String(), "/pkg/internal/hidden") {
		t.Error("internal packages are listed unasked")
	}
	expect(t, get(h, "/packages?all=1"), http.StatusOK, ">9 of 9 packages<", " checked", "/pkg/internal/hidden")
	expect(t, get(h, "/packages?q="+url.QueryEscape(`"><script>`)), http.StatusOK, ">0 of 9 packages<",
		`value="&#34;&gt;&lt;script&gt;"`, "No package has “&#34;&gt;&lt;script&gt;” in its name or description.",
		`href="/packages?all=1&amp;q=%22%3e%3cscript%3e"`)
}

func TestServeStats(t *testing.T) {
	h := newServer(t, newMemory(t))
	expect(t, get(h, "/stats"), http.StatusOK, "<dt>Hits</dt><dd>0</dd><dd class=\"what\">pages that were in the cache</dd>", "None yet.", "<dt>Items</dt><dd>0</dd>")
	get(h, "/pkg/alone") // without imports: a page, and the record of a tag
	get(h, "/pkg/alone")
	press(h, "alpha")
	expect(t, get(h, "/stats"), http.StatusOK,
		"<dt>Hits</dt><dd>1</dd>", "50 % of all 2 that were read", "<dt>Loads</dt><dd>1</dd>", "<dt>Invalidations</dt><dd>1</dd>",
		`aria-label="1 hits in 5m0s, at most 1 in 5s"`, `<rect class="invalidations"`,
		`<a href="/changes/1">`, "<td>alpha</td><td>0</td>",
		"<dt>Items</dt><dd>2</dd>", "9 pages,\nand 9 records of tags", "<dt>Size</dt><dd>0.0 MB</dd>")
	// A cache that does not count.
	expect(t, get(newServer(t, null.New(null.Config{})), "/stats"), http.StatusOK, "This driver reports no statistics.")
}

// A cache on servers shows its connections.
func TestServeStatsOfServers(t *testing.T) {
	c, err := cache.Open("ketama://10.0.0.1,10.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := get(newServer(t, c), "/stats")
	if c.Supports(cache.OpStats) {
		expect(t, w, http.StatusOK, "<td>10.0.0.1:11211</td><td>0</td><td>0</td><td>0</td><td>0</td>")
	} else {
		expect(t, w, http.StatusOK, "This driver reports no statistics.")
	}
}

func TestServeStatic(t *testing.T) {
	h := newServer(t, newMemory(t))
	for name, want := range map[string]string{
		"/style.css": "text/css", "/filter.js": "javascript", "/icon.svg": "image/svg+xml",
	} {
		w := get(h, name)
		expect(t, w, http.StatusOK)
		if got := w.Header().Get("Content-Type"); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if w := get(h, "/favicon.ico"); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/icon.svg" {
		t.Errorf("/favicon.ico: status %d, Location %q", w.Code, w.Header().Get("Location"))
	}
	for _, name := range []string{"/layout.html", "/web/layout.html", "/home.html"} {
		expect(t, get(h, name), http.StatusNotFound)
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestServeErrors(t *testing.T) {
	h := newServer(t, newMemory(t))
	expect(t, get(h, "/pkg/nowhere"), http.StatusNotFound, "no such package: &#34;nowhere&#34;")
	expect(t, get(h, "/pkg/nowhere"), http.StatusNotFound, "<strong>HIT</strong>", "for 60 seconds")
	expect(t, get(h, "/pkg/%3Cscript%3E"), http.StatusNotFound, "&lt;script&gt;")
	expect(t, get(h, "/pkg/"), http.StatusNotFound)
	expect(t, get(h, "/nothing"), http.StatusNotFound, "There is nothing at /nothing.")
	expect(t, get(h, "/changes/1"), http.StatusNotFound, "There is no such change")
	expect(t, get(h, "/changes/x"), http.StatusNotFound, "There is no such change")
	expect(t, get(h, "/invalidate"), http.StatusNotFound)
	expect(t, press(h, "nowhere"), http.StatusNotFound)
	expect(t, press(h, "alpha", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)

	root := copyTree(t)
	broken := (&server{site: fakeSite(t, root, newMemory(t))}).handler()
	edit(t, root, "alone/alone.go", "package alone", "package alone\n\nfunc")
	expect(t, get(broken, "/pkg/alone"), http.StatusInternalServerError, "alone.go:")
	expect(t, get(broken, "/pkg/alpha"), http.StatusOK, "<h1>package alpha</h1>")
}

// Without its cache the site is slow, and says why.
func TestServeWithoutCache(t *testing.T) {
	h := newServer(t, deadCache(t))
	expect(t, get(h, "/pkg/alpha"), http.StatusOK,
		"<strong>MISS</strong>", "The cache could not be used", "server unavailable", "<h1>package alpha</h1>")
	expect(t, press(h, "alpha"), http.StatusServiceUnavailable, "server unavailable")
}

// The whole program, over a real connection, until it is told to end.
func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-goroot", fakeRoot, "-http", "127.0.0.1:0"}, w, os.Stderr)
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, ok := strings.Cut(line, "http://")
	address, _, _ = strings.Cut(address, ",")
	if !ok || !strings.HasPrefix(line, "larder demo: 9 packages at") {
		t.Fatalf("it said %q", line)
	}
	response, err := http.Get("http://" + address + "/pkg/alpha")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil || !strings.Contains(string(body), "<h1>package alpha</h1>") {
		t.Errorf("the page of alpha: error %v, body %.200s", err, body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

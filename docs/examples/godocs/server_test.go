package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/null"
)

func newServer(t *testing.T, c *cache.Cache) http.Handler {
	t.Helper()
	return (&server{site: fakeSite(t, fakeRoot, c), driver: "memory"}).handler()
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
			t.Errorf("the answer lacks %s\n%s", text, w.Body)
		}
	}
}

func TestServePage(t *testing.T) {
	h := newServer(t, newMemory(t))
	for _, want := range []string{"MISS", "HIT"} {
		w := get(h, "/pkg/beta/deep")
		expect(t, w, http.StatusOK,
			"<strong>"+want+"</strong>", "<h1>package deep</h1>",
			`<a href="/pkg/beta/deep">beta/deep</a> <a href="/pkg/beta">beta</a>`,
			`name="package" value="beta/deep"`)
		if got := w.Header().Get("X-Cache"); got != want {
			t.Errorf("X-Cache: %q, want %q", got, want)
		}
	}
	expect(t, press(h, "beta"), http.StatusOK,
		"<strong>1</strong> of 9 pages", `<li><a href="/pkg/beta/deep">beta/deep</a></li>`)
	expect(t, get(h, "/pkg/beta/deep"), http.StatusOK, "<strong>MISS</strong>")
}

func TestServeIndex(t *testing.T) {
	h := newServer(t, newMemory(t))
	w := get(h, "/")
	expect(t, w, http.StatusOK, `<span id="count">7</span> of 9 packages. Cache: 0 entries`,
		`<a href="/pkg/beta/deep">beta/deep</a></td><td>Package deep uses beta`)
	if strings.Contains(w.Body.String(), "/pkg/internal/hidden") {
		t.Error("internal packages are listed unasked")
	}
	expect(t, get(h, "/?all=1"), http.StatusOK, `<span id="count">9</span>`, " checked", "/pkg/internal/hidden")
	w = get(h, "/?q="+url.QueryEscape(`"><script>`))
	expect(t, w, http.StatusOK, `<span id="count">0</span>`, `value="&#34;&gt;&lt;script&gt;"`)
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("Content-Security-Policy: %q", csp)
	}
	// A cache that does not count.
	expect(t, get(newServer(t, null.New(null.Config{})), "/"), http.StatusOK, "of 9 packages</p>")
	expect(t, get(newServer(t, deadCache(t)), "/"), http.StatusOK, "of 9 packages</p>")
}

func TestServeStatic(t *testing.T) {
	h := newServer(t, newMemory(t))
	for name, want := range map[string]string{"/style.css": "text/css", "/filter.js": "javascript"} {
		w := get(h, name)
		expect(t, w, http.StatusOK)
		if got := w.Header().Get("Content-Type"); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestServeErrors(t *testing.T) {
	h := newServer(t, newMemory(t))
	expect(t, get(h, "/pkg/nowhere"), http.StatusNotFound, "no such package: &#34;nowhere&#34;")
	expect(t, get(h, "/pkg/%3Cscript%3E"), http.StatusNotFound, "&lt;script&gt;")
	expect(t, get(h, "/pkg/"), http.StatusNotFound)
	expect(t, get(h, "/nothing"), http.StatusNotFound, "there is nothing here")
	expect(t, get(h, "/invalidate"), http.StatusNotFound)
	expect(t, press(h, "nowhere"), http.StatusNotFound)
	expect(t, press(h, "alpha", "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)

	root := copyTree(t)
	broken := (&server{site: fakeSite(t, root, newMemory(t)), driver: "memory"}).handler()
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
	if !ok || !strings.HasPrefix(line, "9 packages at") {
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
		t.Errorf("%v, %.200s", err, body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

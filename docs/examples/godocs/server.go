package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/larder-go/larder/cache"
)

//go:embed site.html
var siteHTML string

//go:embed style.css filter.js
var static embed.FS

var siteTemplate = template.Must(template.New("site.html").
	Funcs(template.FuncMap{"round": round}).Parse(siteHTML))

// server shows a site to browsers.
type server struct {
	site   *site
	driver string // of the cache
}

// serve answers at address until ctx is done.
func serve(ctx context.Context, address string, s *server, out io.Writer) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("-http: %w", err)
	}
	h := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		// What is being answered has a moment to end.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- h.Shutdown(ctx)
	})
	fmt.Fprintf(out, "%d packages at http://%s, cached in %s\n",
		len(s.site.library.paths()), browsable(listener.Addr()), s.driver)
	err = h.Serve(listener)
	if stop() {
		return err // it ended by itself
	}
	return <-stopped
}

// browsable is an address to type: a server on all interfaces is on this machine too.
func browsable(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", t.Port)
	}
	return a.String()
}

// handler answers all requests.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /pkg/{path...}", s.page)
	mux.HandleFunc("POST /invalidate", s.invalidate)
	mux.Handle("GET /style.css", http.FileServerFS(static))
	mux.Handle("GET /filter.js", http.FileServerFS(static))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, http.StatusNotFound, errors.New("there is nothing here"))
	})
	// Other sites cannot press the button in a reader's name.
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		guarded.ServeHTTP(w, r)
	})
}

// What site.html is given.
type (
	frame struct {
		Title  string
		Driver string
		Index  *indexFrame
		Page   *pageFrame
		Result *resultFrame
		Error  string
	}
	indexFrame struct {
		Query    string
		All      bool
		Packages []*pkg
		Total    int
		Stats    string
	}
	pageFrame struct {
		Path    string
		Hit     bool
		Took    time.Duration
		Wired   []string
		Trouble string
		HTML    template.HTML
	}
	resultFrame struct {
		Path    string
		Took    time.Duration
		Dropped []string
		Total   int
	}
)

func (s *server) index(w http.ResponseWriter, r *http.Request) {
	query, all := r.FormValue("q"), r.FormValue("all") != ""
	l := s.site.library
	s.write(w, http.StatusOK, frame{Title: "Go packages", Index: &indexFrame{
		Query: query, All: all, Packages: l.search(query, all), Total: len(l.paths()),
		Stats: s.stats(r.Context()),
	}})
}

// stats tells what the cache counts, where it does.
func (s *server) stats(ctx context.Context) string {
	st, err := s.site.cache.Stats(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return ""
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d entries, %.1f MB, %d hits, %d misses",
		st.Entries, float64(st.Bytes)/1e6, st.Hits, st.Misses)
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	path := r.PathValue("path")
	v, err := s.site.page(r.Context(), path)
	if err != nil {
		s.fail(w, statusOf(err), err)
		return
	}
	p := &pageFrame{Path: path, Hit: v.hit, Took: v.took, Wired: v.wired}
	p.HTML = template.HTML(v.html) // escaped by page.html
	if v.trouble != nil {
		p.Trouble = v.trouble.Error()
	}
	s.write(w, http.StatusOK, frame{Title: path, Page: p})
}

func (s *server) invalidate(w http.ResponseWriter, r *http.Request) {
	path := r.PostFormValue("package")
	dropped, took, err := s.site.invalidate(r.Context(), path)
	if err != nil {
		s.fail(w, statusOf(err), err)
		return
	}
	s.write(w, http.StatusOK, frame{Title: path + " has changed", Result: &resultFrame{
		Path: path, Took: took, Dropped: dropped, Total: len(s.site.library.paths()),
	}})
}

func statusOf(err error) int {
	if errors.Is(err, errNoPackage) {
		return http.StatusNotFound
	}
	if errors.Is(err, cache.ErrUnavailable) {
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (s *server) fail(w http.ResponseWriter, status int, err error) {
	s.write(w, status, frame{Title: http.StatusText(status), Error: err.Error()})
}

func (s *server) write(w http.ResponseWriter, status int, f frame) {
	f.Driver = s.driver
	var body bytes.Buffer
	if err := siteTemplate.Execute(&body, f); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store") // the head of a page tells about this one request
	if f.Page != nil {
		h.Set("X-Cache", hitOrMiss(f.Page.Hit))
	}
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // an error here is a reader who has left
}

func hitOrMiss(hit bool) string {
	if hit {
		return "HIT"
	}
	return "MISS"
}

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// server shows a site to browsers.
type server struct {
	site    *site
	example string // the package to try an invalidation with, if the library has it
	changes changes
	warm    warmUp
	metrics *metrics // nil without -metrics
}

// missing is a package that does not exist, to show that the cache remembers that.
const missing = "no/such/package"

// serve serves s at address until ctx is done. With warm, it renders every page first, in
// the background.
func serve(ctx context.Context, address string, s *server, warm bool, out io.Writer) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("-http: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	if warm && !s.site.cache.Discards() {
		background.Go(func() { s.warm.run(ctx, s.site) })
	}
	h := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		// Requests in progress have a moment to end.
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- h.Shutdown(ctx)
	})
	fmt.Fprintf(out, "larder demo: %d packages at http://%s, cached in %s\n",
		len(s.site.library.paths()), browsable(listener.Addr()), s.site.cache.Driver())
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

// policy lets a page load its style, script, images and forms from this server, and
// nothing from anywhere else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// handler returns the handler of all requests.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /packages", s.packages)
	mux.HandleFunc("GET /pkg/{path...}", s.page)
	mux.HandleFunc("POST /invalidate", s.invalidate)
	mux.HandleFunc("GET /changes/{id}", s.change)
	mux.HandleFunc("GET /stats", s.stats)
	for _, name := range []string{"style.css", "filter.js", "icon.svg"} {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=3600")
			http.ServeFileFS(w, r, web, "web/"+name)
		})
	}
	// For those who ask without having looked at a page.
	mux.Handle("GET /favicon.ico", http.RedirectHandler("/icon.svg", http.StatusMovedPermanently))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, http.StatusNotFound, "There is nothing at "+r.URL.Path+".")
	})
	// Other sites cannot press a button in a reader's name.
	guarded := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		guarded.ServeHTTP(w, r)
	})
}

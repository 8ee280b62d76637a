package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

//go:embed web
var web embed.FS

// templates are the pages of the site, each within the layout.
var templates = parseTemplates("home", "packages", "page", "change", "stats", "error")

func parseTemplates(names ...string) map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range names {
		t := template.New("layout.html").Funcs(formats)
		all[name] = template.Must(t.ParseFS(web, "web/layout.html", "web/"+name+".html"))
	}
	return all
}

// formats are the functions of the templates.
var formats = template.FuncMap{
	"round":     round,
	"age":       age,
	"clock":     func(t time.Time) string { return t.Format("15:04:05") },
	"count":     count,
	"megabytes": func(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) },
}

// age writes a minute as 1m, and not as 1m0s.
func age(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return strings.TrimSuffix(d.String(), "0s")
	}
	return d.String()
}

// count writes a number with a comma between thousands.
func count(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// layout is the data of layout.html.
type layout struct {
	Title   string
	Driver  string
	Version string // of Go
	Data    any    // of the page
}

// The data of the pages.
type (
	homeData struct {
		Packages int
		Example  string // a package that many others import
		Affected int    // pages that show something of it
		Other    string // a package whose page does not, if there is one
		Missing  string // a package that does not exist
		Remember time.Duration
		Refresh  time.Duration
		Discards bool
		Warm     warmState
	}
	packagesData struct {
		Query    string
		All      bool
		Packages []*pkg
		Total    int // with internal and vendored ones
	}
	pageData struct {
		Path     string
		Hit      bool
		Rendered bool // for this reader
		Took     time.Duration
		At       time.Time     // when it was rendered
		Refresh  time.Duration // if it is older than that, and so rendered again
		Shows    []string      // the packages that it has the tags of
		Trouble  string
		HTML     template.HTML
	}
	changeData struct {
		change
		Pages int
		Warm  warmState
	}
	statsData struct {
		Since   time.Time
		Warm    bool // all pages were read ahead
		Total   tally
		Percent string // of readers who were given a page from the cache
		Window  time.Duration
		Period  time.Duration
		Chart   chart
		Changes []change
		Cache   *cache.Stats
		NoStats string // why there are none
		Pages   int
		Metrics *metricsData // nil without -metrics
	}
	errorData struct {
		Text     string
		Remember time.Duration // how long the cache remembers that; 0 if it does not
		Hit      bool          // it did
		Took     time.Duration
	}
)

func (s *server) home(w http.ResponseWriter, _ *http.Request) {
	l := s.site.library
	example := s.example
	if l.get(example) == nil {
		example = l.mostImported()
	}
	s.write(w, http.StatusOK, "home", "Start", homeData{
		Packages: len(l.paths()),
		Example:  example, Affected: len(l.affected(example)), Other: l.unaffected(example),
		Missing: missing, Remember: notFoundTTL, Refresh: s.site.refresh,
		Discards: s.site.cache.Discards(), Warm: s.warm.get(),
	})
}

func (s *server) packages(w http.ResponseWriter, r *http.Request) {
	query, all := r.FormValue("q"), r.FormValue("all") != ""
	l := s.site.library
	s.write(w, http.StatusOK, "packages", "Packages", packagesData{
		Query: query, All: all, Packages: l.search(query, all), Total: len(l.paths()),
	})
}

func (s *server) page(w http.ResponseWriter, r *http.Request) {
	path := r.PathValue("path")
	v, err := s.site.page(r.Context(), path)
	w.Header().Set("X-Cache", hitOrMiss(v.hit))
	if errors.Is(err, errNoPackage) && v.trouble == nil && (v.hit || v.rendered) {
		s.write(w, http.StatusNotFound, "error", http.StatusText(http.StatusNotFound),
			errorData{Text: err.Error(), Remember: notFoundTTL, Hit: v.hit, Took: v.took})
		return
	}
	if err != nil {
		s.fail(w, statusOf(err), err.Error())
		return
	}
	p := pageData{Path: path, Hit: v.hit, Rendered: v.rendered, Took: v.took, At: v.at, Shows: v.shows}
	if v.hit && s.site.old(v.content) {
		p.Refresh = s.site.refresh
	}
	p.HTML = template.HTML(v.html) // escaped by doc.html
	if v.trouble != nil {
		p.Trouble = v.trouble.Error()
	}
	s.write(w, http.StatusOK, "page", path, p)
}

func hitOrMiss(hit bool) string {
	if hit {
		return "HIT"
	}
	return "MISS"
}

// invalidate leads to the page about the change, which can be read again without pressing
// the button again.
func (s *server) invalidate(w http.ResponseWriter, r *http.Request) {
	path := r.PostFormValue("package")
	dropped, took, err := s.site.invalidate(r.Context(), path)
	if err != nil {
		s.fail(w, statusOf(err), err.Error())
		return
	}
	id := s.changes.add(change{At: time.Now(), Path: path, Dropped: dropped, Took: took})
	http.Redirect(w, r, fmt.Sprintf("/changes/%d", id), http.StatusSeeOther)
}

func (s *server) change(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	ch, ok := s.changes.get(id)
	if err != nil || !ok {
		s.fail(w, http.StatusNotFound, fmt.Sprintf("There is no such change. The latest %d are kept until the program ends.", maxChanges))
		return
	}
	s.write(w, http.StatusOK, "change", ch.Path+" has changed", changeData{ch, len(s.site.library.paths()), s.warm.get()})
}

func (s *server) stats(w http.ResponseWriter, r *http.Request) {
	total, recent := s.site.activity.read()
	data := statsData{
		Since: s.site.activity.since, Warm: s.warm.get().Total > 0, Total: total, Percent: percent(total.Hits, total.Readers()),
		Window: periods * period, Period: period, Chart: newChart(recent), Changes: s.changes.latest(),
		Pages: len(s.site.library.paths()),
	}
	data.Cache, data.NoStats = s.cacheStats(r.Context())
	data.Metrics = s.metrics.read()
	s.write(w, http.StatusOK, "stats", "Statistics", data)
}

// cacheStats returns what the cache counts, or why it does not.
func (s *server) cacheStats(ctx context.Context) (*cache.Stats, string) {
	st, err := s.site.cache.Stats(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil, "This driver reports no statistics."
	case err != nil:
		return nil, err.Error()
	}
	return &st, ""
}

// percent returns "" for a part of nothing.
func percent(part, whole int) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
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

func (s *server) fail(w http.ResponseWriter, status int, text string) {
	s.write(w, status, "error", http.StatusText(status), errorData{Text: text})
}

// write sends a page, which tells of this one request and must not be kept by a browser.
func (s *server) write(w http.ResponseWriter, status int, name, title string, data any) {
	var body bytes.Buffer
	err := templates[name].Execute(&body, layout{
		Title: title, Driver: s.site.cache.Driver(), Version: s.site.library.source.version, Data: data,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // an error here is a reader who has left
}

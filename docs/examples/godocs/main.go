// Godocs serves the documentation of the Go standard library on this machine, through a
// cache. It is the demo of larder: pages are rendered from the sources of each package, once
// for all who want them, and cached with a tag for every package that they show something
// of. When package io has changed, one command invalidates exactly the pages that are out of
// date. Pages that are old are served while they are rendered again, and the cache
// remembers which packages do not exist.
//
//	godocs                               read all pages cold and warm, and check an invalidation
//	godocs -http :8080                   serve the pages
//	godocs -dsn gomemcache://host:11211  in another cache
//	godocs -http :8080 -metrics :9464    serve the pages, and metrics of the cache for Prometheus
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/docs/examples/filecache"
	_ "github.com/larder-go/larder/drivers/gomemcache"
	_ "github.com/larder-go/larder/drivers/ketama"
	_ "github.com/larder-go/larder/drivers/memcached"
	_ "github.com/larder-go/larder/drivers/valkey"
	_ "github.com/larder-go/larder/memory"
	_ "github.com/larder-go/larder/null"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "godocs:", err)
		os.Exit(1)
	}
}

// config holds the flags.
type config struct {
	dsn     string
	http    string
	metrics string
	goroot  string
	change  string
	warm    bool
	ttl     time.Duration
	refresh time.Duration
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	var c config
	f := flag.NewFlagSet("godocs", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.dsn, "dsn", "memory://", "the `cache` to use; drivers: "+strings.Join(cache.Drivers(), ", "))
	f.StringVar(&c.http, "http", "", "serve the pages at this `address`, such as :8080")
	f.StringVar(&c.metrics, "metrics", "", "serve metrics for Prometheus at /metrics of this `address`, such as :9464")
	f.StringVar(&c.goroot, "goroot", "", "the `folder` of the Go to document (default: what go env GOROOT says)")
	f.StringVar(&c.change, "change", "io", "the `package` that changes in the report, and is the example in the browser")
	f.BoolVar(&c.warm, "warm", true, "with -http, render all pages when the program begins")
	f.DurationVar(&c.ttl, "ttl", 24*time.Hour, "how long pages are kept")
	f.DurationVar(&c.refresh, "refresh", 0, "the `age` from which a page is rendered again in the background, while it is served (default: a minute, at most half of -ttl)")
	if err := f.Parse(args); err != nil {
		return config{}, err
	}
	if f.NArg() > 0 {
		return config{}, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if c.ttl < 0 {
		return config{}, errors.New("-ttl must not be negative")
	}
	if c.refresh < 0 || c.ttl > 0 && c.refresh >= c.ttl {
		return config{}, errors.New("-refresh must not be negative, and less than -ttl")
	}
	if c.refresh == 0 {
		c.refresh = time.Minute
		if c.ttl > 0 {
			c.refresh = min(c.refresh, c.ttl/2)
		}
	}
	return c, nil
}

// introduction says what the report shows.
const introduction = `larder demo: the documentation of the Go standard library, rendered from its sources
and read through a cache. A page has a tag for every package that it shows something of.
When a package changes, one command invalidates the pages that are out of date, and no others.

`

func run(ctx context.Context, args []string, stdout io.Writer, stderr *os.File) (err error) {
	config, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	c, err := cache.Open(config.dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var counted *metrics
	if config.metrics != "" {
		if counted, err = serveMetrics(config.metrics, stdout); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, counted.close()) }()
		c = counted.hook.Watch(c)
	}
	source, err := openSource(ctx, config.goroot)
	if err != nil {
		return err
	}
	progress := newProgress(stderr)
	library, err := readLibrary(ctx, source, progress)
	if library == nil {
		return err
	}
	if err != nil {
		fmt.Fprintln(stderr, "godocs: left out:", err)
	}

	// The prefix keeps pages of other Go releases apart from these on a server that
	// is shared, and pages of other releases of this program: the first number.
	prefix := "godocs/3/" + strings.ReplaceAll(source.platform(), " ", "/") + "/"
	if config.http == "" {
		// The report begins cold, whatever others have stored.
		prefix += rand.Text() + "/"
	}
	site, err := newSite(library, c.WithPrefix(prefix), config.ttl, config.refresh)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.close()) }()
	unreachable := c.Ping(ctx)
	if config.http != "" {
		if unreachable != nil {
			fmt.Fprintln(stderr, "godocs: pages are served uncached for now:", unreachable)
		}
		return serve(ctx, config.http, &server{site: site, example: config.change, metrics: counted}, config.warm, stdout)
	}
	if unreachable != nil {
		return unreachable
	}
	fmt.Fprint(stdout, introduction)
	r := &report{site, stdout, progress}
	r.printf("library", "%s: %d packages, %d imports", source.platform(), len(library.paths()), library.imports())
	r.printf("cache", "%s", c.Driver())
	return r.run(ctx, config.change)
}

// Demometrics starts the demo and a Prometheus server that scrapes it, with the alerting
// rules of hooks/promhook, on loopback. It reads some pages, compares the results of
// queries with what it read, and stops both.
//
//	go run ./internal/dev/demometrics        from the root of the repository
//	go run ./internal/dev/demometrics -keep  leaves both running until it is interrupted
//
// The command prometheus must be installed; on Debian it is in the package prometheus.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience bounds the time of a step, on a machine that does other things as well.
const patience = time.Minute

func main() {
	keep := flag.Bool("keep", false, "keep both running until interrupted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "demometrics:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "demometrics-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, stop := context.WithCancel(ctx)
	var running processes
	defer func() {
		stop()
		running.wait()
	}()

	pages, metrics, err := startDemo(ctx, &running, dir)
	if err != nil {
		return fmt.Errorf("the demo: %w", err)
	}
	fmt.Println("the demo is at       ", pages)
	prometheus, err := startPrometheus(ctx, &running, dir, metrics)
	if err != nil {
		return fmt.Errorf("prometheus: %w", err)
	}
	fmt.Println("Prometheus is at     ", prometheus)
	if err := readPages(ctx, pages); err != nil {
		return fmt.Errorf("reading pages: %w", err)
	}
	if err := check(ctx, prometheus); err != nil {
		return fmt.Errorf("checking: %w", err)
	}
	if keep {
		fmt.Println("interrupt to stop")
		<-ctx.Done()
	}
	return nil
}

// processes are those that were started.
type processes []*exec.Cmd

// start starts a program that is interrupted when ctx is done.
func (p *processes) start(ctx context.Context, stdout io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stdout = stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	*p = append(*p, cmd)
	return nil
}

// wait waits until all have ended.
func (p *processes) wait() {
	for _, cmd := range *p {
		_ = cmd.Wait() // its error is the interrupt
	}
}

// startDemo starts the demo and returns the addresses of its pages and of its metrics.
func startDemo(ctx context.Context, running *processes, dir string) (pages, metrics string, err error) {
	// Not with go run, which does not pass on the interrupt.
	binary := filepath.Join(dir, "godocs")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./docs/examples/godocs")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", "", err
	}
	r, w := io.Pipe()
	if err := running.start(ctx, w, binary, "-warm=false", "-http", "127.0.0.1:0", "-metrics", "127.0.0.1:0"); err != nil {
		return "", "", err
	}
	timeout := time.AfterFunc(patience, func() { w.CloseWithError(errors.New("it printed no address in time")) })
	defer timeout.Stop()
	said := bufio.NewScanner(r)
	for said.Scan() {
		_, address, ok := strings.Cut(said.Text(), "http://")
		address, _, _ = strings.Cut(address, ",")
		if !ok {
			continue
		}
		if host, ok := strings.CutSuffix(address, "/metrics"); ok {
			metrics = host
			continue
		}
		go io.Copy(io.Discard, r) // what it prints later
		return "http://" + address, metrics, nil
	}
	return "", "", said.Err()
}

// startPrometheus starts a Prometheus server, and returns its address when it has scraped
// target.
func startPrometheus(ctx context.Context, running *processes, dir, target string) (string, error) {
	rules, err := filepath.Abs("hooks/promhook/alerts.yml")
	if err != nil {
		return "", err
	}
	config := filepath.Join(dir, "prometheus.yml")
	err = os.WriteFile(config, fmt.Appendf(nil, `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: godocs, static_configs: [{targets: [%q]}]}]
`, rules, target), 0o666)
	if err != nil {
		return "", err
	}
	address, err := freeAddress()
	if err != nil {
		return "", err
	}
	err = running.start(ctx, io.Discard, "prometheus", "--config.file="+config, "--web.listen-address="+address,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--log.level=error")
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%w (make test-deps installs it)", err)
	}
	if err != nil {
		return "", err
	}
	prometheus := "http://" + address
	return prometheus, poll(ctx, func() error {
		up, err := query(ctx, prometheus, "up")
		if err == nil && up != 1 {
			err = fmt.Errorf("%s cannot be scraped", target)
		}
		return err
	})
}

// freeAddress returns an address on loopback where nobody listens. Prometheus does not
// print which port it chose, so port 0 would not do.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// The work of readPages: each page is rendered once.
const (
	rounds = 100
	misses = 4
	hits   = rounds*misses - misses
)

// readPages reads four pages many times, and then invalidates one.
func readPages(ctx context.Context, pages string) error {
	for i := range rounds {
		for _, page := range []string{"fmt", "io", "net/http", "strings"} {
			if _, err := get(ctx, pages+"/pkg/"+page); err != nil {
				return err
			}
		}
		if i%25 == 24 {
			// A rate needs several scrapes, and there is one each second.
			time.Sleep(time.Second)
		}
	}
	response, err := http.PostForm(pages+"/invalidate", url.Values{"package": {"io"}})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("invalidating io: %s", response.Status)
	}
	return nil
}

// poll calls f until it succeeds.
func poll(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", url, response.Status, body)
	}
	return body, err
}

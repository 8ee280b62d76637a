package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A syncWriter lets several runs write to w.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// An event is a line that go test -json prints.
type event struct {
	Action     string
	Package    string
	Test       string
	Output     string
	ImportPath string // of build output
}

// test runs go test, prints what it would print by itself, and adds what it saw to sum.
func test(ctx context.Context, c command, core string, expected []expectation, sum *summary, stdout, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, c.args...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = c.dir, append(os.Environ(), c.env...), stderr
	// An interrupt from the terminal reaches the tests too; they get time to stop
	// their servers.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	fmt.Fprintf(stdout, "-- %s: go test %s\n", relative(c.dir), strings.Join(c.args, " "))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	seen, readErr := readEvents(out, stdout)
	for i := range seen.skips {
		s := &seen.skips[i]
		s.pkg, s.when = below(core, s.pkg), c.when
	}
	for i := range seen.failed {
		f := &seen.failed[i]
		f.pkg = below(core, f.pkg)
	}
	sum.add(seen, expected)
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return fmt.Errorf("go test in %s: %w", relative(c.dir), err)
	}
	if seen.packages == 0 {
		return fmt.Errorf("go test in %s: no package has tests", relative(c.dir))
	}
	return nil
}

// below shortens the path of a package of the repository.
func below(core, pkg string) string {
	if pkg == core {
		return "."
	}
	return strings.TrimPrefix(pkg, core+"/")
}

// relative shortens the name of a folder below the working folder.
func relative(dir string) string {
	wd, err := os.Getwd()
	if err != nil {
		return dir
	}
	if rest, ok := strings.CutPrefix(dir, wd); ok && (rest == "" || rest[0] == os.PathSeparator) {
		return "." + rest
	}
	return dir
}

// seen holds the results of one run.
type seen struct {
	packages int // that have tests
	passed   int // tests and subtests
	failed   []failure
	skips    []skip
}

// A failure is a test that failed or did not end, or a package that failed without one.
type failure struct{ pkg, test string }

// packageLog is the output of a package's tests so far.
type packageLog struct {
	lines []line
	ended map[string]string // by test: pass, fail or skip
}

type line struct{ test, text string }

// readEvents prints the results of packages, and the output of tests that did not pass.
func readEvents(r io.Reader, out io.Writer) (seen, error) {
	var s seen
	logs := map[string]*packageLog{}
	br := bufio.NewReader(r)
	for {
		raw, err := br.ReadBytes('\n')
		if len(raw) > 0 {
			var e event
			if json.Unmarshal(raw, &e) != nil {
				_, _ = out.Write(raw) // what the go command says by itself
			} else {
				s.handle(e, logs, out)
			}
		}
		if err == io.EOF {
			return s, nil
		}
		if err != nil {
			return s, err
		}
	}
}

func (s *seen) handle(e event, logs map[string]*packageLog, out io.Writer) {
	if e.Action == "build-output" {
		fmt.Fprint(out, e.Output)
		return
	}
	log := logs[e.Package]
	if log == nil {
		log = &packageLog{ended: map[string]string{}}
		logs[e.Package] = log
	}
	switch e.Action {
	case "output":
		log.lines = append(log.lines, line{e.Test, e.Output})
	case "pass", "fail", "skip":
		if e.Test != "" {
			log.ended[e.Test] = e.Action
			switch e.Action {
			case "pass":
				s.passed++
			case "fail":
				s.failed = append(s.failed, failure{e.Package, e.Test})
			case "skip":
				s.skips = append(s.skips, skip{pkg: e.Package, test: e.Test, reason: log.reason(e.Test)})
			}
			return
		}
		if e.Action != "skip" { // a package without tests is skipped
			s.packages++
			var b bytes.Buffer
			log.print(&b, e.Action == "fail")
			_, _ = out.Write(b.Bytes()) // whole, beside those of other runs
			if e.Action == "fail" && !slices.ContainsFunc(s.failed, func(f failure) bool { return f.pkg == e.Package }) {
				s.failed = append(s.failed, failure{e.Package, log.running()})
			}
		}
		delete(logs, e.Package)
	}
}

// retries begins the report of package cachetest on cases that were tried again. go test
// does not show it when the tests of several packages pass.
const retries = "cachetest: "

// print prints what go test prints of a package that ended, and reports of retries.
func (l *packageLog) print(out io.Writer, failed bool) {
	report := false
	for _, line := range l.lines {
		report = strings.HasPrefix(line.text, retries) || report && strings.HasPrefix(line.text, "\t")
		show := false
		switch {
		case report:
			show = true
		case line.test == "":
			show = failed || strings.HasPrefix(line.text, "ok")
		default:
			// A test that did not end was running when the package failed.
			ended := l.ended[line.test]
			show = failed && (ended == "fail" || ended == "") && !strings.HasPrefix(line.text, "=== ")
		}
		if show {
			fmt.Fprint(out, line.text)
		}
	}
}

// running returns a test that did not end, or "".
func (l *packageLog) running() string {
	for _, line := range l.lines {
		if line.test != "" && l.ended[line.test] == "" {
			return line.test
		}
	}
	return ""
}

// logged matches the first line of what a test logs.
var logged = regexp.MustCompile(`^\s+\S+\.go:\d+: `)

// reason returns what the test logged last, in one line: the reason that it gave for
// being skipped.
func (l *packageLog) reason(test string) string {
	var words []string
	for _, line := range l.lines {
		if line.test != test || strings.HasPrefix(line.text, "=== ") ||
			strings.HasPrefix(strings.TrimSpace(line.text), "--- ") {
			continue
		}
		if where := logged.FindString(line.text); where != "" {
			words = nil
			line.text = line.text[len(where):]
		}
		words = append(words, strings.Fields(line.text)...)
	}
	return strings.Join(words, " ")
}

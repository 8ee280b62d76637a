package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runGodocs runs the program and returns what it printed.
func runGodocs(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	file, openErr := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if openErr != nil {
		t.Fatal(openErr)
	}
	defer file.Close()
	var out bytes.Buffer
	err = run(ctx, args, &out, file)
	b, readErr := os.ReadFile(file.Name())
	if readErr != nil {
		t.Fatal(readErr)
	}
	return out.String(), string(b), err
}

func TestReport(t *testing.T) {
	for _, dsn := range []string{"memory://", "file://" + filepath.ToSlash(t.TempDir())} {
		out, progress, err := runGodocs(t, t.Context(), "-goroot", fakeRoot, "-change", "alpha", "-dsn", dsn)
		if err != nil {
			t.Fatalf("%s: %v\n%s", dsn, err, out)
		}
		for _, want := range []string{
			`^larder demo: the documentation of the Go standard library`,
			`library +go1\.99\.0 \w+/\w+: 9 packages, 6 imports\n`,
			`cold pass +\S+, 9 pages rendered\n`,
			`warm pass +\S+, 9 pages from the cache\n`,
			`ratio +\d+ : 1 between these two\n`,
			`change +package alpha: one invalidation dropped 3 of 9 pages in \S+\n`,
			`third pass +\S+, 3 pages rendered again, 6 from the cache\n`,
			`check +the pages rendered again are exactly the 3 that show something of alpha: ok\n`,
			`crowd +100 readers at once of alpha, which was not in the cache: rendered once\n`,
			`old page +rendered in \S+, and again in the background: its reader had the old one in \S+\n`,
			`not found +100 readers of no/such/package, which does not exist: looked for once\n`,
		} {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("%s: the report lacks %s\n%s", dsn, want, out)
			}
		}
		if !strings.Contains(progress, "cold pass 9/9\n") {
			t.Errorf("progress: %q", progress)
		}
	}
}

// The report begins cold and leaves nothing behind.
func TestReportTwice(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		out, _, err := runGodocs(t, t.Context(), "-goroot", fakeRoot, "-dsn", "file://"+filepath.ToSlash(dir), "-change", "fmt")
		if err != nil || !strings.Contains(out, " 9 pages rendered\n") {
			t.Errorf("%v\n%s", err, out)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("%d files are left, %v", len(left), err)
		}
	}
}

func TestReportNull(t *testing.T) {
	out, _, err := runGodocs(t, t.Context(), "-goroot", fakeRoot, "-dsn", "null://", "-change", "fmt")
	if err != nil || !strings.Contains(out, "keeps nothing") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A cache that loses pages is found out.
func TestReportTooSmall(t *testing.T) {
	out, _, err := runGodocs(t, t.Context(), "-goroot", fakeRoot, "-dsn", "memory://?max_entries=3", "-change", "alpha")
	if err == nil || !strings.Contains(err.Error(), "has the cache room for all pages?") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReportErrors(t *testing.T) {
	broken := copyTree(t)
	edit(t, broken, "alone/alone.go", "package alone", "package alone\n\nfunc")
	for _, test := range []struct {
		what string
		args []string
		want string
	}{
		{"a flag", []string{"-unknown"}, "not defined"},
		{"an argument", []string{"serve"}, `"serve"`},
		{"a TTL", []string{"-ttl", "-1s"}, "-ttl"},
		{"an age", []string{"-refresh", "2m", "-ttl", "1m"}, "-refresh must"},
		{"a scheme", []string{"-dsn", "nosuch://secret@host"}, `unknown driver "nosuch"`},
		{"a DSN", []string{"-dsn", "memory://?bucket=3"}, `"bucket"`},
		{"a goroot", []string{"-goroot", t.TempDir()}, "-goroot wants"},
		{"a package", []string{"-goroot", fakeRoot, "-change", "nowhere"}, `-change: no such package: "nowhere"`},
		{"an address", []string{"-goroot", fakeRoot, "-http", "nowhere"}, "-http"},
		{"an address for metrics", []string{"-goroot", fakeRoot, "-metrics", "nowhere"}, "-metrics"},
		{"sources", []string{"-goroot", broken, "-change", "fmt"}, "alone.go:"},
	} {
		out, _, err := runGodocs(t, t.Context(), test.args...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("bad %s: %v, want an error with %q\n%s", test.what, err, test.want, out)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("bad %s: the error tells a secret: %v", test.what, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(broken, "empty", "src"), 0o777); err != nil {
		t.Fatal(err)
	}
	_, _, err := runGodocs(t, t.Context(), "-goroot", filepath.Join(broken, "empty"))
	if err == nil || !strings.Contains(err.Error(), "no packages") {
		t.Errorf("an empty tree: %v", err)
	}
}

// Interrupted, it ends with an error and still cleans up.
func TestReportInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := runGodocs(t, ctx, "-goroot", fakeRoot, "-change", "fmt"); err == nil {
		t.Error("no error")
	}
}

func TestCompare(t *testing.T) {
	a := pass{pages: map[string][]byte{"io": []byte("a"), "os": []byte("b")}}
	b := pass{pages: map[string][]byte{"io": []byte("a"), "os": []byte("c")}}
	if err := compare(a, a); err != nil {
		t.Error(err)
	}
	if err := compare(a, b); err == nil || !strings.Contains(err.Error(), "os") {
		t.Errorf("another page: %v", err)
	}
}

func TestExactly(t *testing.T) {
	want := []string{"io", "os"}
	if err := exactly(want, want, want); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		dropped, rendered []string
		want              string
	}{
		{[]string{"io"}, want, "dropped 1 pages, want 2; too many: []; missing: [os]"},
		{want, []string{"fmt", "io", "os"}, "rendered again 3 pages, want 2; too many: [fmt]; missing: []"},
	} {
		if err := exactly(want, test.dropped, test.rendered); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("exactly: %v, want an error with %q", err, test.want)
		}
	}
}

func TestProgressOnTerminal(t *testing.T) {
	var out bytes.Buffer
	p := &progress{w: &out, terminal: true}
	p.begin("reading", 2)
	p.step("io")
	p.step("os")
	p.end()
	if got, want := out.String(), clearLine+"reading 1/2 io"+clearLine; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

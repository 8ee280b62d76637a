package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const fakeRoot = "testdata/goroot"

// fakeLibrary reads the small tree in testdata.
func fakeLibrary(t *testing.T, goroot string) *library {
	t.Helper()
	s, err := openSource(t.Context(), goroot)
	if err != nil {
		t.Fatal(err)
	}
	l, err := readLibrary(t.Context(), s, newProgress(nil))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLibrary(t *testing.T) {
	l := fakeLibrary(t, fakeRoot)
	want := map[string][]string{
		"alone":                       nil,
		"alpha":                       {"unsafe"},
		"beta":                        {"alpha", "vendor/golang.org/x/outside"},
		"beta/deep":                   {"beta"},
		"fmt":                         nil,
		"gamma":                       {"internal/hidden"},
		"internal/hidden":             nil,
		"unsafe":                      nil,
		"vendor/golang.org/x/outside": {"alpha"},
	}
	got := map[string][]string{}
	for _, path := range l.paths() {
		got[path] = l.get(path).Imports
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imports by package (-want +got)\n%s", diff)
	}
	if got, want := l.source.version, "go1.99.0"; got != want {
		t.Errorf("version = %q, want %q", got, want)
	}
	if got, want := l.get("alone").Synopsis, "Package alone imports nothing."; got != want {
		t.Errorf("synopsis = %q, want %q", got, want)
	}
}

func TestAffected(t *testing.T) {
	l := fakeLibrary(t, fakeRoot)
	for path, want := range map[string][]string{
		"alpha":     {"alpha", "beta", "vendor/golang.org/x/outside"}, // not beta/deep, not the test of gamma
		"beta/deep": {"beta/deep"},
		"unsafe":    {"alpha", "unsafe"},
	} {
		if diff := cmp.Diff(want, l.affected(path)); diff != "" {
			t.Errorf("affected by %s (-want +got)\n%s", path, diff)
		}
	}
}

func TestSearch(t *testing.T) {
	l := fakeLibrary(t, fakeRoot)
	for _, test := range []struct {
		query string
		all   bool
		want  []string
	}{
		{"", false, []string{"alone", "alpha", "beta", "beta/deep", "fmt", "gamma", "unsafe"}},
		{"ALPHA uses", false, []string{"beta", "beta/deep", "gamma"}},
		{"hidden", false, []string{"gamma"}},
		{"hidden", true, []string{"gamma", "internal/hidden"}},
		{"outside", true, []string{"vendor/golang.org/x/outside"}},
		{"nothing like it", true, nil},
	} {
		var got []string
		for _, p := range l.search(test.query, test.all) {
			got = append(got, p.Path)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("search %q, all %v (-want +got)\n%s", test.query, test.all, diff)
		}
	}
}

// The go command is another opinion of which packages there are and what they import.
func TestLibraryOfThisMachine(t *testing.T) {
	l := fakeLibrary(t, "")
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f",
		`{{if .GoFiles}}{{.ImportPath}}{{range .Imports}} {{.}}{{end}}{{end}}`, "std", "builtin")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	want := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		slices.Sort(fields[1:])
		want[fields[0]] = fields[1:]
	}
	got := map[string][]string{}
	for _, path := range l.paths() {
		got[path] = l.get(path).Imports
	}
	// The go command leaves it out by name where cgo is off, for all that is in it.
	delete(got, "runtime/cgo")
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("packages and imports (-go list +got)\n%s", diff)
	}
}

// Debian's GOROOT/src is a symbolic link.
func TestSourceBehindLink(t *testing.T) {
	src, err := filepath.Abs(filepath.Join(fakeRoot, "src"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Symlink(src, filepath.Join(root, "src")); err != nil {
		t.Fatal(err)
	}
	l := fakeLibrary(t, root)
	if n := len(l.paths()); n != 9 {
		t.Errorf("%d packages behind a link, want 9", n)
	}
	if got, want := l.source.version, "devel"; got != want {
		t.Errorf("version without a VERSION file = %q, want %q", got, want)
	}
}

// One package that cannot be read does not hide the others.
func TestLibraryWithBrokenPackage(t *testing.T) {
	root := copyTree(t)
	edit(t, root, "alone/alone.go", "package alone", "package")
	s, err := openSource(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	l, err := readLibrary(t.Context(), s, newProgress(nil))
	if err == nil || !strings.Contains(err.Error(), "alone.go:2") {
		t.Errorf("error = %v, want one that names alone.go and the line", err)
	}
	if l == nil || len(l.paths()) != 8 {
		t.Error("the other 8 packages are not there")
	}
}

// copyTree copies the small tree to where it can be edited, and returns its root.
func copyTree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(fakeRoot)); err != nil {
		t.Fatal(err)
	}
	return root
}

// edit replaces a piece of a source file.
func edit(t *testing.T, root, file, old, replacement string) {
	t.Helper()
	name := filepath.Join(root, "src", filepath.FromSlash(file))
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), old, replacement, 1)
	if text == string(b) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// repo is a repository with a module at its root, the core, and others below. Modules are
// found by their go.mod, so that no list can forget one.
type repo struct {
	root    string   // absolute
	core    string   // path of the module at the root
	members []string // folders of the modules that go.work names
	outside []string // folders of the other modules that have Go files
}

func openRepo(ctx context.Context, root string) (*repo, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	// The go command reports folders without symbolic links.
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, err
	}
	r := &repo{root: root}
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}")
	list.Dir, list.Env, list.Stderr = root, append(os.Environ(), r.workspace()), os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m in %s: %w", root, err)
	}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		r.members = append(r.members, dir)
		if dir == root {
			r.core = path
		}
	}
	if r.core == "" {
		return nil, fmt.Errorf("%s/go.work does not use the module at the root", root)
	}
	modules, err := findModules(root)
	for _, dir := range modules {
		if !slices.Contains(r.members, dir) {
			r.outside = append(r.outside, dir)
		}
	}
	return r, err
}

// workspace is the setting under which the go command uses the workspace.
func (r *repo) workspace() string { return "GOWORK=" + filepath.Join(r.root, "go.work") }

// patterns matches the packages of the workspace, those of the core last.
func (r *repo) patterns() []string {
	var list []string
	for _, dir := range r.members {
		if name, err := filepath.Rel(r.root, dir); err == nil && dir != r.root {
			list = append(list, "./"+filepath.ToSlash(name)+"/...")
		}
	}
	return append(list, "./...")
}

// findModules returns the folders below root that have a go.mod and Go files.
func findModules(root string) ([]string, error) {
	var modules []string
	err := walk(root, func(dir string) error {
		if !exists(filepath.Join(dir, "go.mod")) {
			return nil
		}
		ok, err := hasGoFiles(dir)
		if ok {
			modules = append(modules, dir)
		}
		return err
	})
	return modules, err
}

// walk calls f for root and every folder below that may hold packages.
func walk(root string, f func(dir string) error) error {
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		base := d.Name()
		if name != root && (base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_') {
			return filepath.SkipDir
		}
		return f(name)
	})
}

func hasGoFiles(module string) (bool, error) {
	found := false
	err := walkModule(module, func(dir string) error {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if len(files) > 0 {
			found = true
			return filepath.SkipAll
		}
		return err
	})
	return found, err
}

// walkModule calls f for every folder of a module, and leaves out the modules nested in
// it.
func walkModule(module string, f func(dir string) error) error {
	return walk(module, func(dir string) error {
		if dir != module && exists(filepath.Join(dir, "go.mod")) {
			return filepath.SkipDir
		}
		return f(dir)
	})
}

// left marks the tests that pass race leaves to pass alloc. It is a constant of package
// internal/race, where it is explained.
const left = "race.Left"

// plain matches test files that have something for pass alloc.
var plain = regexp.MustCompile(`(?m)^func Test\w*Alloc|` + regexp.QuoteMeta(left) + `\b`)

// leftTests returns the names of the tests in the test files of a folder that have the mark left.
func leftTests(dir string) ([]string, error) {
	var names []string
	err := readTests(dir, func(source []byte) bool {
		for _, f := range strings.Split(string(source), "\nfunc ") {
			name, _, _ := strings.Cut(f, "(")
			if strings.HasPrefix(name, "Test") && strings.Contains(f, left) {
				names = append(names, name)
			}
		}
		return true
	})
	return names, err
}

// readTests calls f for the test files of a folder, until it returns false.
func readTests(dir string, f func(source []byte) bool) error {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return err
	}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !f(source) {
			return nil
		}
	}
	return nil
}

// packagesWith returns the folders of a module with test files that pattern matches.
func packagesWith(module string, pattern *regexp.Regexp) ([]string, error) {
	var dirs []string
	err := walkModule(module, func(dir string) error {
		return readTests(dir, func(source []byte) bool {
			if pattern.Match(source) {
				dirs = append(dirs, dir)
				return false
			}
			return true
		})
	})
	return dirs, err
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// benchmarks returns the folder of the benchmarks, whose tests run under the race detector in the
// long pass only: building the libraries that larder is compared with for the race detector takes
// 80 s of processor time.
func (r *repo) benchmarks() string { return filepath.Join(r.root, "internal", "dev", "benchmarks") }

package main

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// source is the tree of sources that the documentation is made from.
type source struct {
	dir     string // GOROOT/src, without symbolic links
	version string // "go1.26.0"
	build   build.Context
}

// pkg describes a package, as far as the heads of its files do.
type pkg struct {
	Path     string
	Name     string
	Synopsis string
	Imports  []string // paths in this tree, sorted, each once

	dir   string
	files []string // what the package is built of on this platform
	tests []string // where its examples are
}

// openSource finds the tree under goroot, or asks the go command if that is empty.
func openSource(ctx context.Context, goroot string) (*source, error) {
	if goroot == "" {
		out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
		goroot = strings.TrimSpace(string(out))
		if err != nil || goroot == "" {
			return nil, errors.New("no Go found: put the go command in PATH, or give its folder with -goroot")
		}
	}
	// Debian's GOROOT/src is a link, and a walk does not follow its root.
	dir, err := filepath.EvalSymlinks(filepath.Join(goroot, "src"))
	if err != nil {
		return nil, fmt.Errorf("no Go sources: %w; -goroot wants a folder with src/fmt in it", err)
	}
	s := &source{dir: dir, version: readVersion(goroot), build: build.Default}
	s.build.GOROOT = goroot
	// The same pages whether or not this machine has a C compiler.
	s.build.CgoEnabled = false
	return s, nil
}

// readVersion returns the first line of GOROOT/VERSION, which a checkout of the Go
// repository does not have.
func readVersion(goroot string) string {
	b, err := os.ReadFile(filepath.Join(goroot, "VERSION"))
	version, _, _ := strings.Cut(string(b), "\n")
	if err != nil || version == "" {
		return "devel"
	}
	return strings.ReplaceAll(version, " ", "_")
}

// platform names what the pages depend on beside the sources.
func (s *source) platform() string {
	return s.version + " " + s.build.GOOS + "/" + s.build.GOARCH
}

// maxPath bounds the import paths that readers may ask for. They become a part of keys.
const maxPath = 128

// isPackagePath reports whether path may be that of a package. As "go list std", it leaves
// out the go command's own sources and test data.
func isPackagePath(path string) bool {
	if len(path) > maxPath || !fs.ValidPath(path) {
		return false
	}
	if first, _, _ := strings.Cut(path, "/"); first == "cmd" {
		return false
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "testdata" || element[0] == '.' || element[0] == '_' || strings.ContainsFunc(element, notInPath) {
			return false
		}
	}
	return true
}

// notInPath reports whether import paths do not have r.
func notInPath(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && !('0' <= r && r <= '9') && !strings.ContainsRune("-._~+", r)
}

// candidates returns the import path of every folder that may be a package.
func (s *source) candidates() ([]string, error) {
	var paths []string
	err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() || name == s.dir {
			return nil
		}
		path, err := filepath.Rel(s.dir, name)
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		if !isPackagePath(path) {
			return filepath.SkipDir
		}
		paths = append(paths, path)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for packages: %w", err)
	}
	return paths, nil
}

// read reads the heads of a package's files. It returns nil if there is no package for this
// platform.
func (s *source) read(path string) (*pkg, error) {
	dir := filepath.Join(s.dir, filepath.FromSlash(path))
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, nil
	}
	b, err := s.build.ImportDir(dir, 0)
	var none *build.NoGoError
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("package %s: %w", path, err)
	}
	if len(b.GoFiles) == 0 {
		return nil, nil // tests only
	}
	p := &pkg{Path: path, Name: b.Name, Synopsis: b.Doc, dir: dir, files: b.GoFiles}
	p.tests = slices.Concat(b.TestGoFiles, b.XTestGoFiles)
	for _, imported := range b.Imports {
		if imported != "C" { // cgo, not a package
			p.Imports = append(p.Imports, s.resolve(imported))
		}
	}
	slices.Sort(p.Imports)
	p.Imports = slices.Compact(p.Imports)
	return p, nil
}

// resolve returns the path in the tree of an import declaration: packages that do not belong
// to the standard library are in its vendor folder.
func (s *source) resolve(imported string) string {
	first, _, _ := strings.Cut(imported, "/")
	if strings.Contains(first, ".") {
		return "vendor/" + imported
	}
	return imported
}

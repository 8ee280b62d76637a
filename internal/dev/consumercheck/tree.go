package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// firstVersion is the version of a published module that no module here
// requires.
const firstVersion = "v0.1.0"

// tree is the repository: its modules, by folder.
type tree struct {
	root    string // absolute
	core    string // path of the module at the root
	modules []*mod
}

// mod is one module of the repository.
type mod struct {
	dir     string // relative to the root, with slashes; "." for the core
	file    *modfile.File
	version string // what it is packed as
}

func (m *mod) path() string { return m.file.Module.Mod.Path }

// published reports whether users can get the module. Those under internal and docs
// serve this repository only.
func (m *mod) published() bool {
	first, _, _ := strings.Cut(m.dir, "/")
	return first != "internal" && first != "docs"
}

// driver is the name of the driver that the module holds, or "".
func (m *mod) driver() string {
	if path.Dir(m.dir) != "drivers" {
		return ""
	}
	return path.Base(m.dir)
}

// readTree finds every module in the repository at root.
func readTree(ctx context.Context, root string) (*tree, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	t := &tree{root: root}
	files, err := listFiles(ctx, root)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if path.Base(name) != "go.mod" || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		file, err := modfile.Parse(name, data, nil)
		if err != nil {
			return nil, err
		}
		m := &mod{dir: path.Dir(name), file: file}
		t.modules = append(t.modules, m)
		if m.dir == "." {
			t.core = m.path()
		}
	}
	if t.core == "" {
		return nil, fmt.Errorf("%s has no go.mod that git knows of or could add", root)
	}
	slices.SortFunc(t.modules, func(a, b *mod) int { return strings.Compare(a.dir, b.dir) })
	return t, t.setVersions()
}

// setVersions gives each published module the highest version that another one
// requires of it, since that is the one a program will be given.
func (t *tree) setVersions() error {
	for _, m := range t.published() {
		want := path.Join(t.core, m.dir)
		if m.path() != want {
			return fmt.Errorf("module %s is in folder %s, where only %s can be found", m.path(), m.dir, want)
		}
		m.version = firstVersion
		for _, other := range t.published() {
			for _, r := range other.file.Require {
				if r.Mod.Path == m.path() && semver.Compare(r.Mod.Version, m.version) > 0 {
					m.version = r.Mod.Version
				}
			}
		}
	}
	return nil
}

func (t *tree) published() []*mod {
	return slices.DeleteFunc(slices.Clone(t.modules), func(m *mod) bool { return !m.published() })
}

// own reports whether a module path belongs to this repository.
func (t *tree) own(modulePath string) bool {
	return modulePath == t.core || strings.HasPrefix(modulePath, t.core+"/")
}

// listFiles names the files that are, or could be, committed: tracked, or new
// and not ignored. A module proxy would find the same after `git add`, so it neither
// packs build output nor overlooks what is being worked on.
func listFiles(ctx context.Context, root string) ([]string, error) {
	out, err := output(ctx, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) {
			continue // tracked, and deleted since
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().Type() == fs.FileMode(0) { // as the proxy: no links
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return files, nil
}

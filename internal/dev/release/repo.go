package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// repo is a git repository with a module at its root, the core, and others below.
type repo struct {
	root    string // absolute
	core    string // path of the module at the root
	modules []*mod // sorted by folder
}

// mod is a module of the repository.
type mod struct {
	dir  string // relative to the root, with slashes; "." for the core
	file *modfile.File
}

func (m *mod) path() string { return m.file.Module.Mod.Path }

// published reports whether users can get the module. Those under internal and docs serve
// this repository only.
func (m *mod) published() bool {
	first, _, _ := strings.Cut(m.dir, "/")
	return first != "internal" && first != "docs"
}

// tag returns the name of the tag of a version.
func (m *mod) tag(version string) string { return path.Join(m.dir, version) }

// openRepo finds the modules of the repository at root by their go.mod.
func openRepo(ctx context.Context, root string) (*repo, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	r := &repo{root: root}
	files, err := output(ctx, root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(files, "\x00"), "\x00") {
		if path.Base(name) != "go.mod" || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) {
			continue // tracked, and deleted since
		}
		if err != nil {
			return nil, err
		}
		file, err := modfile.Parse(name, data, nil)
		if err != nil {
			return nil, err
		}
		m := &mod{path.Dir(name), file}
		if m.dir == "." {
			r.core = m.path()
		}
		r.modules = append(r.modules, m)
	}
	if r.core == "" {
		return nil, fmt.Errorf("%s has no go.mod that git knows of or could add", root)
	}
	slices.SortFunc(r.modules, func(a, b *mod) int { return strings.Compare(a.dir, b.dir) })
	return r, nil
}

func (r *repo) published() []*mod {
	return slices.DeleteFunc(slices.Clone(r.modules), func(m *mod) bool { return !m.published() })
}

// at returns the module in a folder, or nil.
func (r *repo) at(dir string) *mod {
	i := slices.IndexFunc(r.modules, func(m *mod) bool { return m.dir == dir })
	if i < 0 {
		return nil
	}
	return r.modules[i]
}

// folderOf returns the folder of a module.
func (r *repo) folderOf(m *mod) string { return filepath.Join(r.root, filepath.FromSlash(m.dir)) }

// own reports whether a module path belongs to this repository.
func (r *repo) own(modulePath string) bool {
	return modulePath == r.core || strings.HasPrefix(modulePath, r.core+"/")
}

// pathToDir returns the folder of a module path of this repository, relative to the root.
func (r *repo) pathToDir(modulePath string) string {
	dir := strings.TrimPrefix(strings.TrimPrefix(modulePath, r.core), "/")
	if dir == "" {
		return "."
	}
	return dir
}

// A release is a tag of a module.
type release struct {
	tag, dir, version string
}

// releases returns the tags of all modules, by folder, the versions of each in order.
func (r *repo) releases(ctx context.Context) ([]release, error) {
	out, err := output(ctx, r.root, nil, "git", "tag", "--list")
	if err != nil {
		return nil, err
	}
	var all []release
	for tag := range strings.FieldsSeq(out) {
		dir, version := path.Dir(tag), path.Base(tag)
		if semver.IsValid(version) && semver.Canonical(version) == version {
			all = append(all, release{tag, dir, version})
		}
	}
	slices.SortFunc(all, func(a, b release) int {
		if a.dir != b.dir {
			return strings.Compare(a.dir, b.dir)
		}
		return semver.Compare(a.version, b.version)
	})
	return all, nil
}

// extract writes the files of a folder at a commit to the folder to. It returns the path
// of what was dir.
func (r *repo) extract(ctx context.Context, commit, dir, to string) (string, error) {
	if err := os.MkdirAll(to, 0o777); err != nil {
		return "", err
	}
	archive := filepath.Join(to, "archive.tar")
	if _, err := output(ctx, r.root, nil, "git", "archive", "-o", archive, commit, "--", dir); err != nil {
		return "", err
	}
	if _, err := output(ctx, to, nil, "tar", "-xf", archive); err != nil {
		return "", err
	}
	return filepath.Join(to, filepath.FromSlash(dir)), os.Remove(archive)
}

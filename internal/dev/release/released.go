package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// checkReleased builds each release of a module other than the core with the core of the
// work tree. Drivers import internal packages of the core. A program that upgrades the
// core alone builds an older driver with it, so these packages must not change in a way
// that breaks a driver that was released, unless the driver retracts that version.
func checkReleased(ctx context.Context, r *repo, temp string, out io.Writer) error {
	all, err := r.releases(ctx)
	if err != nil {
		return err
	}
	shallow, err := output(ctx, r.root, nil, "git", "rev-parse", "--is-shallow-repository")
	if err != nil {
		return err
	}
	if shallow == "true\n" {
		fmt.Fprintln(out, "This clone is shallow and may lack tags: git fetch --unshallow --tags")
	}
	checked := 0
	var problems []error
	for _, release := range all {
		if release.dir == "." {
			continue
		}
		if r.retracted(release) {
			fmt.Fprintf(out, "%s: retracted, not checked\n", release.tag)
			continue
		}
		checked++
		if err := r.buildReleased(ctx, release, filepath.Join(temp, fmt.Sprint(checked))); err != nil {
			fmt.Fprintf(out, "%s: DOES NOT BUILD with the core of today\n", release.tag)
			problems = append(problems, fmt.Errorf("%s: %w", release.tag, err))
			continue
		}
		fmt.Fprintf(out, "%s: builds with the core of today\n", release.tag)
	}
	if checked == 0 {
		fmt.Fprintln(out, "NOT CHECKED: no release of a driver is tagged, so there is none to build with the core of today.")
	}
	return errors.Join(problems...)
}

// retracted reports whether the go.mod of today retracts a release.
func (r *repo) retracted(release release) bool {
	m := r.at(release.dir)
	if m == nil {
		return false
	}
	for _, retract := range m.file.Retract {
		if semver.Compare(retract.Low, release.version) <= 0 && semver.Compare(release.version, retract.High) <= 0 {
			return true
		}
	}
	return false
}

// buildReleased builds the packages of a release in the folder temp.
func (r *repo) buildReleased(ctx context.Context, release release, temp string) error {
	dir, err := r.extract(ctx, "refs/tags/"+release.tag, release.dir, temp)
	if err != nil {
		return err
	}
	if err := r.useWorkTree(filepath.Join(dir, "go.mod"), r.root); err != nil {
		return err
	}
	_, err = output(ctx, dir, []string{"GOWORK=off", "GOFLAGS=-mod=readonly"}, "go", "build", "./...")
	return err
}

// useWorkTree changes a go.mod so that the modules of this repository that it requires,
// the core above all, come from the folders below root, where they are.
func (r *repo) useWorkTree(name, root string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := modfile.Parse(name, data, nil)
	if err != nil {
		return err
	}
	for _, require := range file.Require {
		if !r.own(require.Mod.Path) {
			continue
		}
		dir := filepath.Join(root, filepath.FromSlash(r.pathToDir(require.Mod.Path)))
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); os.IsNotExist(err) {
			continue // it was there then
		}
		if err := file.AddReplace(require.Mod.Path, "", dir, ""); err != nil {
			return err
		}
	}
	if data, err = file.Format(); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o666)
}

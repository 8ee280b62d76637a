package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tidyAll runs go mod tidy for every module against the packed ones, which lets
// a driver be tidied before the version of the core that it requires is
// published. With check it changes nothing and reports what it would change.
func tidyAll(ctx context.Context, t *tree, p *proxy, temp string, check bool, out io.Writer) error {
	var untidy []error
	for _, m := range t.modules {
		changed, err := tidy(ctx, t, m, p, temp, check)
		if err != nil {
			return err
		}
		for _, name := range changed {
			if check {
				untidy = append(untidy, fmt.Errorf("%s is not tidy: run 'make tidy'", name))
			} else {
				fmt.Fprintln(out, "tidied", name)
			}
		}
	}
	return errors.Join(untidy...)
}

// tidy tidies a copy of the module's go.mod and go.sum and names those that
// differ. Working on a copy leaves the files alone if the go command fails.
func tidy(ctx context.Context, t *tree, m *mod, p *proxy, temp string, check bool) (changed []string, err error) {
	goMod, err := copyModFiles(t, m, temp)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(t.root, filepath.FromSlash(m.dir))
	if _, err := output(ctx, dir, p.env, "go", "mod", "tidy", "-modfile="+goMod); err != nil {
		return nil, err
	}

	for _, name := range []string{"go.mod", "go.sum"} {
		before, err := readIfThere(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		after, err := readIfThere(filepath.Join(filepath.Dir(goMod), name))
		if err != nil {
			return nil, err
		}
		if name == "go.sum" {
			// In the order of the go command, by path.
			after = slices.Concat(
				linesOfSum(after, func(path string) bool { return path < t.core }),
				linesOfSum(before, t.own),
				linesOfSum(after, func(path string) bool { return path > t.core && !t.own(path) }))
		}
		if bytes.Equal(before, after) {
			continue
		}
		changed = append(changed, filepath.Join(m.dir, name))
		if check {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), after, 0o666); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// copyModFiles copies the go.mod and go.sum of a module, for the -modfile flag, to a folder
// below temp. It returns the name of the go.mod. The copy of go.sum has no checksums of
// this repository's modules, because the packed ones are not those that were released.
func copyModFiles(t *tree, m *mod, temp string) (goMod string, err error) {
	dir, err := os.MkdirTemp(temp, "modfiles-")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := readIfThere(filepath.Join(t.root, filepath.FromSlash(m.dir), name))
		if err != nil {
			return "", err
		}
		if name == "go.sum" {
			data = linesOfSum(data, func(path string) bool { return !t.own(path) })
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "go.mod"), nil
}

// linesOfSum returns the lines of a go.sum about modules for which keep is true. The
// checksum of a module packed from the work tree is that of no release and must not be
// committed as if it were one; that of a release is left to the release.
func linesOfSum(sum []byte, keep func(modulePath string) bool) []byte {
	var kept []byte
	for line := range bytes.Lines(sum) {
		modulePath, _, _ := strings.Cut(string(line), " ")
		if keep(modulePath) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// readIfThere reads a file; one that is absent counts as empty, as an absent
// go.sum does.
func readIfThere(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

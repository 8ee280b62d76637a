package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	dir := filepath.Join(t.root, filepath.FromSlash(m.dir))
	copies, err := os.MkdirTemp(temp, "tidy-")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := readIfThere(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(copies, name), data, 0o666); err != nil {
			return nil, err
		}
	}
	_, err = output(ctx, dir, p.env, "go", "mod", "tidy", "-modfile="+filepath.Join(copies, "go.mod"))
	if err != nil {
		return nil, err
	}

	for _, name := range []string{"go.mod", "go.sum"} {
		before, err := readIfThere(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		after, err := readIfThere(filepath.Join(copies, name))
		if err != nil {
			return nil, err
		}
		if name == "go.sum" {
			after = withoutSums(after, t.own)
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

// withoutSums drops the lines of a go.sum about modules for which drop is true.
// The checksum of a module packed from the work tree is that of no release, and
// must not be committed as if it were one.
func withoutSums(sum []byte, drop func(modulePath string) bool) []byte {
	var kept []byte
	for line := range bytes.Lines(sum) {
		modulePath, _, _ := strings.Cut(string(line), " ")
		if !drop(modulePath) {
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

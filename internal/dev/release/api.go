package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// diffAPI prints how the exported API of each published module differs from that of the
// commit base, or of its last release if base is empty.
func diffAPI(ctx context.Context, r *repo, temp, apidiff, base string, out io.Writer) error {
	releases, err := r.releases(ctx)
	if err != nil {
		return err
	}
	program, err := filepath.Abs(apidiff)
	if err != nil || !strings.ContainsRune(apidiff, os.PathSeparator) {
		program = apidiff
	}
	for i, m := range r.published() {
		from := base
		for _, release := range releases { // the last one of m is its newest
			if base == "" && release.dir == m.dir {
				from = release.tag
			}
		}
		if from == "" {
			fmt.Fprintf(out, "== %s: no release is tagged; say what to compare with: make apidiff BASE=commit\n", m.path())
			continue
		}
		report, err := r.compareAPI(ctx, m, filepath.Join(temp, fmt.Sprint(i)), program, from)
		if err != nil {
			return fmt.Errorf("%s: %w", m.path(), err)
		}
		fmt.Fprintf(out, "== %s since %s\n%s", m.path(), from, report)
	}
	return nil
}

func (r *repo) compareAPI(ctx context.Context, m *mod, temp, apidiff, from string) (report string, err error) {
	old, err := r.extract(ctx, from, ".", filepath.Join(temp, "old"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(old, filepath.FromSlash(m.dir), "go.mod")); os.IsNotExist(err) {
		return "It did not exist.\n", nil
	}
	for name, root := range map[string]string{"old": old, "new": r.root} {
		goMod, api := filepath.Join(temp, name+".mod"), filepath.Join(temp, name+".api")
		if err := r.exportAPI(ctx, m, root, goMod, apidiff, api); err != nil {
			return "", err
		}
	}
	report, err = output(ctx, temp, nil, apidiff, "-m", filepath.Join(temp, "old.api"), filepath.Join(temp, "new.api"))
	if report == "" && err == nil {
		report = "No changes.\n"
	}
	return report, err
}

// exportAPI writes the API of a module in the tree at root to the file api. The module is
// loaded with goMod, a copy of its go.mod that takes the other modules of the repository from the
// same tree.
func (r *repo) exportAPI(ctx context.Context, m *mod, root, goMod, apidiff, api string) error {
	dir := filepath.Join(root, filepath.FromSlash(m.dir))
	for from, to := range map[string]string{
		filepath.Join(dir, "go.mod"): goMod,
		filepath.Join(dir, "go.sum"): strings.TrimSuffix(goMod, ".mod") + ".sum",
	} {
		data, err := os.ReadFile(from)
		if os.IsNotExist(err) {
			continue // a module that requires nothing
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o666); err != nil {
			return err
		}
	}
	if err := r.useWorkTree(goMod, root); err != nil {
		return err
	}
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod -modfile=" + goMod}
	_, err := output(ctx, dir, env, apidiff, "-m", "-w", api, m.path())
	return err
}

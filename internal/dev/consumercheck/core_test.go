package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// repository reads the repository that this module is part of.
func repository(t *testing.T) *tree {
	t.Helper()
	tree, err := readTree(t.Context(), "../../..")
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// Every user's build reads the modules that the core's go.mod requires.
func TestCoreRequiresNothing(t *testing.T) {
	tree := repository(t)
	for _, m := range tree.modules {
		if m.path() != tree.core {
			continue
		}
		for _, r := range m.file.Require {
			t.Errorf("the core requires %s; want no module, also for tests", r.Mod)
		}
	}
}

func TestCoreImportsOnlyTheStandardLibrary(t *testing.T) {
	tree := repository(t)
	out, err := output(t.Context(), tree.root, []string{"GOWORK=off"}, "go", "list", "-deps",
		"-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./...")
	if err != nil {
		t.Fatal(err)
	}
	imports := strings.Fields(out)
	if len(imports) == 0 {
		t.Fatal("go list found no package of the core")
	}
	for _, p := range imports {
		if !tree.own(p) {
			t.Errorf("a package of the core imports %s; want only the standard library outside tests", p)
		}
	}
}

// Users would get neither replace nor exclude, so tests that pass with them
// prove nothing.
func TestPublishedModulesReplaceNothing(t *testing.T) {
	for _, m := range repository(t).published() {
		if len(m.file.Replace) > 0 || len(m.file.Exclude) > 0 {
			t.Errorf("%s/go.mod has a replace or exclude directive", m.dir)
		}
	}
}

// A published module that asks for a newer release than the others would end
// support for the older one without anybody deciding so.
func TestSameGoFloorEverywhere(t *testing.T) {
	const floor = "1.25.0"
	for _, m := range repository(t).modules {
		if m.file.Go == nil || m.file.Go.Version != floor {
			t.Errorf("%s/go.mod: want 'go %s'", m.dir, floor)
		}
		if m.file.Toolchain != nil {
			t.Errorf("%s/go.mod: want no toolchain line", m.dir)
		}
	}
}

// A module that is not in the workspace would be tested with another core than the one
// beside it, or not be found at all.
func TestWorkspaceHasEveryPublishedModule(t *testing.T) {
	tree := repository(t)
	data, err := os.ReadFile(filepath.Join(tree.root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, use := range work.Use {
		used[path.Clean(use.Path)] = true
	}
	for _, m := range tree.published() {
		if !used[m.dir] {
			t.Errorf("go.work lacks 'use ./%s'", m.dir)
		}
	}
}

package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// writeTree makes a git repository with files.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := output(t.Context(), root, nil, "git", "init", "-q"); err != nil {
		t.Fatal(err)
	}
	return root
}

// toyTree is a repository of the shape of this one.
func toyTree() map[string]string {
	return map[string]string{
		".gitignore":             "/bin/\n",
		"LICENSE":                "MIT",
		"bin/tool":               "built",
		"go.mod":                 "module example.com/core\n\ngo 1.25.0\n",
		"cache/cache.go":         "package cache\n",
		"docs/guide.md":          "# Guide\n",
		"drivers/one/go.mod":     "module example.com/core/drivers/one\n\ngo 1.25.0\n\nrequire example.com/core v0.2.0\n",
		"drivers/one/one.go":     "package one\n\nimport _ \"example.com/core/cache\"\n",
		"docs/examples/go.mod":   "module example.com/core/docs/examples\n\ngo 1.25.0\n",
		"docs/examples/main.go":  "package main\n",
		"internal/bench/go.mod":  "module example.com/core/internal/bench\n\ngo 1.25.0\n",
		"internal/bench/main.go": "package main\n",
		"internal/dsn/dsn.go":    "package dsn\n",
	}
}

func TestPackAll(t *testing.T) {
	repo, err := readTree(t.Context(), writeTree(t, toyTree()))
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	if _, err := packAll(t.Context(), repo, temp, io.Discard); err != nil {
		t.Fatal(err)
	}

	for archive, want := range map[string][]string{
		// The core at the version that the driver requires of it.
		"example.com/core/@v/v0.2.0.zip": {
			".gitignore", "LICENSE", "cache/cache.go", "docs/guide.md", "go.mod", "internal/dsn/dsn.go",
		},
		"example.com/core/drivers/one/@v/v0.1.0.zip": {"LICENSE", "go.mod", "one.go"},
	} {
		r, err := zip.OpenReader(filepath.Join(temp, "proxy", filepath.FromSlash(archive)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.File {
			_, name, _ := strings.Cut(f.Name, "@v")
			_, name, _ = strings.Cut(name, "/")
			got = append(got, name)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		slices.Sort(got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s holds %q, want %q", archive, got, want)
		}
	}

	archives, err := filepath.Glob(filepath.Join(temp, "proxy/example.com/core/*/*/@v"))
	if err != nil {
		t.Fatal(err)
	}
	if len(archives) != 1 {
		t.Errorf("packed modules below the core: %q, want only the driver", archives)
	}
}

func TestPackAllRefusesReplace(t *testing.T) {
	files := toyTree()
	files["drivers/one/go.mod"] += "replace example.com/core => ../..\n"
	repo, err := readTree(t.Context(), writeTree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	_, err = packAll(t.Context(), repo, t.TempDir(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "drivers/one/go.mod has a replace") {
		t.Errorf("packAll = %v, want an error about replace", err)
	}
}

func TestReadTreeRefusesAModuleInAnotherFolder(t *testing.T) {
	files := toyTree()
	files["drivers/one/go.mod"] = "module example.com/core/drivers/uno\n"
	if _, err := readTree(t.Context(), writeTree(t, files)); err == nil {
		t.Error("readTree = nil, want an error: no proxy would find that module")
	}
}

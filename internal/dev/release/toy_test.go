package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// toyTree is a repository of the shape of this one.
func toyTree() map[string]string {
	return map[string]string{
		"CHANGELOG.md":          "# Changelog\n\n## [0.1.0] - 2026-01-02\n",
		"go.mod":                "module github.com/example/core\n\ngo 1.25.0\n",
		"go.work":               "go 1.25.0\n\nuse (\n\t.\n\t./docs/examples\n\t./drivers/one\n)\n\nreplace (\n\tgithub.com/example/core v0.1.0 => ./\n\tgithub.com/example/core/drivers/one v0.1.0 => ./drivers/one\n)\n",
		"cache/cache.go":        "package cache\n\n// Get gets.\nfunc Get() int { return 1 }\n",
		"internal/key/key.go":   "package key\n\n// Rule is what drivers use.\nfunc Rule() int { return 2 }\n",
		"drivers/one/go.mod":    "module github.com/example/core/drivers/one\n\ngo 1.25.0\n\nrequire github.com/example/core v0.1.0\n",
		"drivers/one/one.go":    "package one\n\nimport \"github.com/example/core/internal/key\"\n\n// Rule is the rule.\nfunc Rule() int { return key.Rule() }\n",
		"drivers/one/x_test.go": "package one\n\nimport \"testing\"\n\nfunc TestRule(t *testing.T) {\n\tif Rule() != 2 {\n\t\tt.Error(\"wrong rule\")\n\t}\n}\n",
		"docs/examples/go.mod":  "module github.com/example/core/docs/examples\n\ngo 1.25.0\n\nrequire (\n\tgithub.com/example/core v0.1.0\n\tgithub.com/example/core/drivers/one v0.1.0\n)\n",
		"docs/examples/main.go": "package main\n\nimport (\n\t\"github.com/example/core/cache\"\n\t\"github.com/example/core/drivers/one\"\n)\n\nfunc main() { println(cache.Get(), one.Rule()) }\n",
		"internal/dev/go.mod":   "module github.com/example/core/internal/dev\n\ngo 1.25.0\n\nrequire github.com/example/core v0.1.0\n\nreplace github.com/example/core => ../..\n",
		"internal/dev/main.go":  "package main\n\nimport \"github.com/example/core/cache\"\n\nfunc main() { cache.Get() }\n",
	}
}

// toy makes a git repository of files.
func toy(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, files)
	git(t, root, "init", "-q", "-b", "main")
	git(t, root, "config", "user.name", "Toy")
	git(t, root, "config", "user.email", "toy@example.com")
	commit(t, root)
	return root
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func git(t *testing.T, root string, args ...string) string {
	t.Helper()
	out, err := output(t.Context(), root, nil, "git", args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func commit(t *testing.T, root string) {
	t.Helper()
	git(t, root, "add", "-A")
	git(t, root, "commit", "-q", "-m", "a change")
}

// runRelease runs the program on a repository.
func runRelease(t *testing.T, root string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), append([]string{"-root", root}, args...), &out)
	return out.String(), err
}

func expect(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
}

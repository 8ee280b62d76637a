package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAPI(t *testing.T) {
	apidiff := filepath.Join(t.TempDir(), "apidiff")
	if _, err := output(t.Context(), "../tools", []string{"GOWORK=off"}, "go", "build", "-o", apidiff, "golang.org/x/exp/cmd/apidiff"); err != nil {
		t.Fatal(err)
	}
	root := toy(t, toyTree())
	out, err := runRelease(t, root, "api", "-apidiff", apidiff)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "== github.com/example/core: no release is tagged; say what to compare with: make apidiff BASE=commit\n")

	git(t, root, "tag", "v0.1.0")
	git(t, root, "tag", "drivers/one/v0.1.0")
	write(t, root, map[string]string{
		"cache/cache.go":     "package cache\n\nfunc Fetch() int { return 1 }\n",
		"drivers/one/one.go": toyTree()["drivers/one/one.go"] + "\nfunc More() {}\n",
		"drivers/two/go.mod": "module github.com/example/core/drivers/two\n\ngo 1.25.0\n",
		"drivers/two/two.go": "package two\n",
	})
	want := []string{
		"== github.com/example/core since v0.1.0\nIncompatible changes:\n- ./cache.Get: removed\nCompatible changes:\n- ./cache.Fetch: added\n",
		"== github.com/example/core/drivers/one since drivers/one/v0.1.0\nCompatible changes:\n- More: added\n",
		"== github.com/example/core/drivers/two: no release is tagged",
	}
	if out, err = runRelease(t, root, "api", "-apidiff", apidiff); err != nil {
		t.Fatal(err)
	}
	expect(t, out, want...)

	// Since a commit, for modules without a release too.
	if out, err = runRelease(t, root, "api", "-apidiff", apidiff, "HEAD"); err != nil {
		t.Fatal(err)
	}
	expect(t, out, "== github.com/example/core since HEAD\nIncompatible", "== github.com/example/core/drivers/two since HEAD\nIt did not exist.\n")
	for _, name := range []string{"go.mod", "drivers/one/go.mod", "drivers/one/go.sum"} {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil && name != "drivers/one/go.sum" || string(got) != toyTree()[name] {
			t.Errorf("%s was changed to %q, %v", name, got, err)
		}
	}
}

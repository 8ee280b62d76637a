package main

import (
	"strings"
	"testing"
)

// releasedToy is a repository with a release of its driver.
func releasedToy(t *testing.T) string {
	t.Helper()
	root := toy(t, toyTree())
	git(t, root, "tag", "v0.1.0")
	git(t, root, "tag", "drivers/one/v0.1.0")
	return root
}

func TestReleasedWithoutTags(t *testing.T) {
	out, err := runRelease(t, toy(t, toyTree()), "released")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "NOT CHECKED: no release of a driver is tagged")
}

func TestReleasedStillBuilds(t *testing.T) {
	root := releasedToy(t)
	write(t, root, map[string]string{
		// More than there was, and what no driver uses, may change.
		"internal/key/key.go": "package key\n\nfunc Rule() int { return 2 }\n\nfunc Other() {}\n",
		"cache/cache.go":      "package cache\n\nfunc Fetch() int { return 1 }\n",
		// The driver of today is not looked at.
		"drivers/one/one.go": "package one\n\nimport \"github.com/example/core/internal/key\"\n\nfunc Rule() { key.Other() }\n",
	})
	out, err := runRelease(t, root, "released")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "drivers/one/v0.1.0: builds with the core of today\n")
}

// The driver of today moves with the core; the one that was released cannot.
func TestReleasedNoLongerBuilds(t *testing.T) {
	root := releasedToy(t)
	write(t, root, map[string]string{
		"internal/key/key.go": "package key\n\nfunc NewRule() int { return 2 }\n",
		"drivers/one/one.go":  "package one\n\nimport \"github.com/example/core/internal/key\"\n\nfunc Rule() int { return key.NewRule() }\n",
	})
	commit(t, root)
	git(t, root, "tag", "drivers/one/v0.2.0")
	out, err := runRelease(t, root, "released")
	if err == nil || !strings.Contains(err.Error(), "drivers/one/v0.1.0: ") || !strings.Contains(err.Error(), "undefined: key.Rule") {
		t.Errorf("error %v, want one with the tag and what is missing", err)
	}
	expect(t, out,
		"drivers/one/v0.1.0: DOES NOT BUILD with the core of today\n",
		"drivers/one/v0.2.0: builds with the core of today\n")

	// The way out is to take the release back.
	write(t, root, map[string]string{"drivers/one/go.mod": toyTree()["drivers/one/go.mod"] + "\nretract v0.1.0 // needs core v0.1\n"})
	out, err = runRelease(t, root, "released")
	if err != nil {
		t.Error(err)
	}
	expect(t, out, "drivers/one/v0.1.0: retracted, not checked\n", "drivers/one/v0.2.0: builds")
}

// A driver that is no longer in the tree is still used by those who have it.
func TestReleasedThatWasRemoved(t *testing.T) {
	root := releasedToy(t)
	git(t, root, "rm", "-q", "-r", "drivers/one", "internal/key")
	if _, err := runRelease(t, root, "released"); err == nil || !strings.Contains(err.Error(), "internal/key") {
		t.Errorf("error %v, want one about the package that is gone", err)
	}
}

func TestReleasedInShallowClone(t *testing.T) {
	root := releasedToy(t)
	write(t, root, map[string]string{"new.txt": "x"})
	commit(t, root)
	clone := t.TempDir()
	git(t, clone, "clone", "-q", "--depth=1", "file://"+root, ".")
	out, err := runRelease(t, clone, "released")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "This clone is shallow and may lack tags", "NOT CHECKED")
}

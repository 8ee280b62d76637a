package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const released = "example.com/core v0.0.9 h1:released=\n"

// The checksums of releases are left alone, since those of the packed modules differ.
func TestTidyAllLeavesReleases(t *testing.T) {
	files := toyTree()
	files["drivers/one/go.sum"] = released
	root := writeTree(t, files)
	repo, err := readTree(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range []bool{true, false} {
		temp := t.TempDir()
		p, err := packAll(t.Context(), repo, temp, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		p.env = append(p.env, "GOPROXY="+fileURL(filepath.Join(temp, "proxy")))
		if err := tidyAll(t.Context(), repo, p, temp, check, io.Discard); err != nil {
			t.Errorf("check %v: %v", check, err)
		}
		sum, err := os.ReadFile(filepath.Join(root, "drivers", "one", "go.sum"))
		if err != nil || string(sum) != released {
			t.Errorf("check %v: go.sum is now %q, %v", check, sum, err)
		}
	}
}

// A driver is tidied against the core of the same tree, whose checksum must not
// stay behind.
func TestTidyAll(t *testing.T) {
	files := toyTree()
	files["drivers/one/go.mod"] += "\nrequire example.com/unused v1.0.0\n"
	root := writeTree(t, files)
	repo, err := readTree(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	tidyIn := func(check bool) error {
		temp := t.TempDir()
		p, err := packAll(t.Context(), repo, temp, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		p.env = append(p.env, "GOPROXY="+fileURL(filepath.Join(temp, "proxy")))
		return tidyAll(t.Context(), repo, p, temp, check, io.Discard)
	}
	goMod := filepath.Join(root, "drivers", "one", "go.mod")

	err = tidyIn(true)
	if err == nil || !strings.Contains(err.Error(), filepath.Join("drivers", "one", "go.mod")) {
		t.Errorf("checking = %v, want an error naming the driver's go.mod", err)
	}
	if data, err := os.ReadFile(goMod); err != nil || string(data) != files["drivers/one/go.mod"] {
		t.Errorf("checking changed go.mod to %q, %v", data, err)
	}

	if err := tidyIn(false); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(goMod); err != nil || strings.Contains(string(data), "unused") {
		t.Errorf("tidying left go.mod as %q, %v", data, err)
	}
	if data, err := readIfThere(filepath.Join(root, "drivers", "one", "go.sum")); err != nil || len(data) != 0 {
		t.Errorf("tidying left go.sum as %q, %v; want the unpublished core's checksum out", data, err)
	}
	if err := tidyIn(true); err != nil {
		t.Errorf("checking what was tidied: %v", err)
	}
}

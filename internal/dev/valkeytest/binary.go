//go:build unix

// Package valkeytest gives tests a Redis or a Valkey: a real one, started on a free port
// or a unix socket and stopped with the test, alone, as a cluster, or watched by a
// Sentinel.
package valkeytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Binary is a server program.
type Binary struct {
	Name string // such as "redis-7.0.15"
	Path string
}

// programs are those that Debian offers, and that the script of the project installs.
var programs = []string{"redis-server", "valkey-server"}

// Each runs test with each of the programs: redis-server and valkey-server from the path, and
// those that LARDER_VALKEY_SERVERS lists, separated by colons. Without redis-server it fails;
// without valkey-server, which some systems do not have, that one is skipped.
func Each(t *testing.T, test func(t *testing.T, b Binary)) {
	t.Helper()
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err == nil {
			b := Binary{version(t, path), path}
			t.Run(b.Name, func(t *testing.T) { test(t, b) })
			continue
		}
		t.Run(name, func(t *testing.T) {
			if name == programs[0] {
				t.Fatalf("%s is not installed; on Debian: make test-deps", name)
			}
			t.Skipf("%s is not installed", name)
		})
	}
	for path := range strings.SplitSeq(os.Getenv("LARDER_VALKEY_SERVERS"), ":") {
		if path != "" {
			b := Binary{version(t, path), path}
			t.Run(b.Name, func(t *testing.T) { test(t, b) })
		}
	}
}

// Any returns the program for tests that need only one: valkey-server where it is
// installed, or else redis-server.
func Any(t testing.TB) Binary {
	t.Helper()
	for _, name := range slices.Backward(programs) {
		if path, err := exec.LookPath(name); err == nil {
			return Binary{version(t, path), path}
		}
	}
	t.Fatalf("valkeytest: none of %v is installed; on Debian: make test-deps", programs)
	return Binary{}
}

var versions sync.Map // path: name with version

// version asks the program: "Redis server v=7.0.15 sha=...".
func version(t testing.TB, path string) string {
	t.Helper()
	if v, ok := versions.Load(path); ok {
		return v.(string)
	}
	out, err := exec.Command(path, "--version").Output()
	if err != nil {
		t.Fatalf("valkeytest: %s --version: %v", path, err)
	}
	name := filepath.Base(path)
	fields := strings.Fields(string(out))
	for _, f := range fields {
		if v, ok := strings.CutPrefix(f, "v="); ok {
			name = strings.ToLower(fields[0]) + "-" + v
		}
	}
	versions.Store(path, name)
	return name
}

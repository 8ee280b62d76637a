//go:build unix

// Package valkeytest gives tests a Redis or a Valkey: a real one, started on a free port
// or a unix socket and stopped with the test, alone, as a cluster, or watched by a
// Sentinel.
package valkeytest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A Binary is a server program.
type Binary struct {
	Name string // such as "redis-7.0.15"
	Path string
}

// Required are the programs that Debian offers, and that the script of the project
// installs.
var required = []string{"redis-server", "valkey-server"}

// Binaries returns the programs that tests run against: redis-server and valkey-server
// from the path, and those that LARDER_VALKEY_SERVERS lists, separated by colons.
//
// A machine without redis-server fails the test. One without valkey-server fails it only in
// CI: some systems do not have it.
func Binaries(t testing.TB) []Binary {
	t.Helper()
	var all []Binary
	for _, name := range required {
		path, err := exec.LookPath(name)
		if err == nil {
			all = append(all, Binary{version(t, path), path})
			continue
		}
		if name == "redis-server" || os.Getenv("CI") != "" {
			t.Fatalf("valkeytest: %s is not installed; on Debian: make test-deps", name)
		}
		t.Logf("NOT TESTED with %s, which is not installed", name)
	}
	for path := range strings.SplitSeq(os.Getenv("LARDER_VALKEY_SERVERS"), ":") {
		if path != "" {
			all = append(all, Binary{version(t, path), path})
		}
	}
	return all
}

// Each runs test with each of the programs.
func Each(t *testing.T, test func(t *testing.T, b Binary)) {
	t.Helper()
	for _, b := range Binaries(t) {
		t.Run(b.Name, func(t *testing.T) { test(t, b) })
	}
}

// Any returns the program for tests that need only one: the newest in the list, which is
// Valkey where there is one.
func Any(t testing.TB) Binary {
	t.Helper()
	all := Binaries(t)
	return all[len(all)-1]
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

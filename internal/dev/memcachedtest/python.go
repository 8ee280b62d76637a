package memcachedtest

import (
	"bytes"
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// interpreter is Debian's own: python3-pylibmc and python3-memcache belong to it,
// whatever python3 comes first in PATH.
const interpreter = "/usr/bin/python3"

// pythonTimeout bounds a script.
const pythonTimeout = 2 * time.Minute

var pythonReady = sync.OnceValues(func() (string, error) {
	out, err := exec.Command(interpreter, "-c", "import pylibmc, memcache").CombinedOutput()
	return string(out), err
})

// Python runs a script that may import pylibmc and memcache (python-memcached) with
// args as its sys.argv[1:], and returns what it printed. A script that fails ends the
// test with its traceback.
func Python(t testing.TB, script string, args ...string) string {
	t.Helper()
	if out, err := pythonReady(); err != nil {
		t.Fatalf("memcachedtest: %s with pylibmc and python-memcached is needed: %v\n%s"+
			"on Debian and Ubuntu: sudo apt-get install python3 python3-pylibmc python3-memcache", interpreter, err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), pythonTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, append([]string{"-"}, args...)...)
	cmd.Stdin = bytes.NewReader([]byte(script))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("memcachedtest: python: %v\n%s%s", err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

package memcachedtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

// The kernel ends a child with Pdeathsig when the thread that made it ends, so all
// are made by one thread that lives as long as the test binary. A test that panics or
// runs into go test's -timeout then leaves no memcached behind.
var spawner = sync.OnceValue(func() chan func() {
	closeInherited()
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// closeInherited keeps files that the test binary was started with, such as those of the job
// server of make -j, from servers. To memcached the number of a file is that of a connection:
// with two such files, a server that is limited to 16 connections rejects the first one.
func closeInherited() {
	for fd := 3; fd < 100; fd++ {
		syscall.CloseOnExec(fd) // which every file that Go opened has already
	}
}

// Spawn starts a server that ends with the test binary, however that ends.
func Spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan error)
	spawner() <- func() { done <- cmd.Start() }
	return <-done
}

// Stopped reports whether every thread of a process is stopped: SIGSTOP takes its time.
func Stopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err != nil {
			return false
		}
		// "pid (name) state ...", and the name may hold anything.
		i := bytes.LastIndexByte(stat, ')')
		if i < 0 || !bytes.HasPrefix(stat[i:], []byte(") T")) {
			return false
		}
	}
	return true
}

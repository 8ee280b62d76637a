//go:build unix && !linux

package memcachedtest

import "os/exec"

// Spawn starts a server. This system does not end it with a test binary that is killed.
func Spawn(cmd *exec.Cmd) error { return cmd.Start() }

// Stopped returns true: this system does not tell, and a server may reply for a moment longer.
func Stopped(int) bool { return true }

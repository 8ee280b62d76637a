//go:build unix && !linux

package memcachedtest

import "os/exec"

func spawn(cmd *exec.Cmd) error { return cmd.Start() }

// stopped returns true: this system does not tell, and a server may reply for a moment longer.
func stopped(int) bool { return true }

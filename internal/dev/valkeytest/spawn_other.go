//go:build unix && !linux

package valkeytest

import "os/exec"

func spawn(cmd *exec.Cmd) error { return cmd.Start() }

// stopped cannot be told here: a server may answer a moment longer.
func stopped(int) bool { return true }

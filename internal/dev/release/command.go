package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// output runs a command in dir, with env added to the environment, and returns what it
// prints. If the command fails, the error holds everything it printed.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("in %s: %s %s: %w\n%s%s",
			dir, name, strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// privateCache is the environment in which the go command keeps what it downloads in a
// folder below temp. It takes modules from the module cache of the user, or from the
// user's proxy. A version that is tagged for a trial only must not get into the cache of
// the user, where it would stay.
func privateCache(ctx context.Context, temp string) ([]string, error) {
	values := map[string]string{}
	for _, name := range []string{"GOPROXY", "GOMODCACHE"} {
		out, err := output(ctx, temp, nil, "go", "env", name)
		if err != nil {
			return nil, err
		}
		values[name] = strings.TrimSpace(out)
	}
	downloads := "file://" + filepath.ToSlash(filepath.Join(values["GOMODCACHE"], "cache", "download"))
	return []string{
		"GOENV=off", // what was set with go env -w
		"GOWORK=off",
		"GOFLAGS=-modcacherw -buildvcs=false",
		"GOMODCACHE=" + filepath.Join(temp, "modcache"),
		"GOPROXY=" + downloads + "," + values["GOPROXY"],
	}, nil
}

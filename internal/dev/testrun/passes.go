package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// A command is one run of go test.
type command struct {
	dir  string
	env  []string // in addition to the environment
	args []string // of go test
	when situation
}

// passes run the tests of a repository, in one way each. They call test for each run of
// go test, and go on after one that fails.
var passes = map[string]func(ctx context.Context, r *repo, test func(command) error, out io.Writer) error{
	"race":  racePass,
	"alloc": allocPass,
	"386": func(ctx context.Context, r *repo, test func(command) error, out io.Writer) error {
		return foreignPass(ctx, r, "386", test, out)
	},
}

// racePass runs all tests. Those of the workspace run in one command, so that tests that
// wait for a server and tests that compute overlap.
func racePass(_ context.Context, r *repo, test func(command) error, _ io.Writer) error {
	when := situation{race: true}
	env := []string{"CGO_ENABLED=1"} // the race detector needs it
	errs := []error{test(command{r.root, append(env, r.workspace()), []string{"-race", "-count=1", "work"}, when})}
	for _, dir := range r.outside {
		errs = append(errs, test(command{dir, append(env, "GOWORK=off"), []string{"-race", "-count=1", "./..."}, when}))
	}
	return errors.Join(errs...)
}

// allocPass runs the tests with Alloc in their names. It names the packages that have
// any, because the others would be built for nothing.
func allocPass(_ context.Context, r *repo, test func(command) error, _ io.Writer) error {
	packages := func(from string, modules ...string) ([]string, error) {
		var dirs []string
		for _, module := range modules {
			found, err := packagesWith(module, allocTest)
			if err != nil {
				return nil, err
			}
			for _, dir := range found {
				name, err := filepath.Rel(from, dir)
				if err != nil {
					return nil, err
				}
				dirs = append(dirs, "./"+filepath.ToSlash(name))
			}
		}
		return dirs, nil
	}
	args := []string{"-count=1", "-run", "Alloc"}
	dirs, err := packages(r.root, r.members...)
	if err != nil {
		return err
	}
	var errs []error
	if len(dirs) > 0 {
		errs = append(errs, test(command{r.root, []string{r.workspace()}, append(args, dirs...), situation{}}))
	}
	for _, module := range r.outside {
		dirs, err := packages(module, module)
		if err != nil {
			return err
		}
		if len(dirs) > 0 {
			errs = append(errs, test(command{module, []string{"GOWORK=off"}, append(args, dirs...), situation{}}))
		}
	}
	return errors.Join(errs...)
}

// foreignPass runs the short tests of the core for another architecture, if this machine
// can run its programs.
func foreignPass(ctx context.Context, r *repo, arch string, test func(command) error, out io.Writer) error {
	env := []string{"GOARCH=" + arch, "CGO_ENABLED=0", "GOWORK=off"}
	cannot, err := tryProgram(ctx, env)
	if err != nil {
		return err
	}
	if cannot != nil {
		fmt.Fprintf(out, "NOT TESTED as a %s program: this machine cannot run one: %v\n", arch, cannot)
		return nil
	}
	return test(command{r.root, env, []string{"-short", "./..."}, situation{short: true, arch: arch}})
}

// tryProgram builds a program with env and runs it. It returns in cannot why the program
// did not run.
func tryProgram(ctx context.Context, env []string) (cannot, err error) {
	dir, err := os.MkdirTemp("", "testrun-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o666); err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "main")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, source)
	build.Dir, build.Env = dir, append(os.Environ(), env...)
	if said, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, said)
	}
	return exec.CommandContext(ctx, program).Run(), nil
}

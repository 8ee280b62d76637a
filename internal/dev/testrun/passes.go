package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A command is one run of go test.
type command struct {
	dir  string
	env  []string // in addition to the environment
	args []string // of go test
	when situation
}

// passes run the tests of a repository, in one way each. They call test for each run of
// go test, for several at once in some cases, and go on after one that fails.
var passes = map[string]func(ctx context.Context, r *repo, test func(command) error, out io.Writer) error{
	"race":   racePass,
	"long":   longPass,
	"alloc":  allocPass,
	"stress": stressPass,
	"386": func(ctx context.Context, r *repo, test func(command) error, out io.Writer) error {
		return foreignPass(ctx, r, "386", test, out)
	},
}

// noVet leaves go vet to make vet, which runs more of it.
const noVet = "-vet=off"

// exitAtOnce keeps programs of the race detector from waiting a second before they end, for races
// of goroutines that still run: tests wait for theirs. The pass long leaves the second to each.
const exitAtOnce = "atexit_sleep_ms=10"

// raceOptions returns the setting of the race detector: exitAtOnce, and what the environment sets,
// which comes last and so prevails.
func raceOptions() string { return "GORACE=" + strings.TrimSpace(exitAtOnce+" "+os.Getenv("GORACE")) }

// racePass runs all tests, under the race detector except for those of the benchmarks.
//
// The modules of the workspace and the others are tested at the same time. The core comes last in
// the workspace: its tests compute while those of drivers wait for servers, and no long package is
// left to the end. Tests of drivers wait half of their time, so one package more than there are
// processors is tested at a time.
func racePass(_ context.Context, r *repo, test func(command) error, _ io.Writer) error {
	race := []string{"-race", noVet, "-count=1"}
	when := situation{race: true}
	var others sync.WaitGroup
	errs := make([]error, len(r.outside), len(r.outside)+1)
	others.Go(func() {
		for i, dir := range r.outside {
			c := command{
				dir:  dir,
				env:  []string{"CGO_ENABLED=1", "GOWORK=off", raceOptions()}, // the race detector needs cgo
				args: append(slices.Clone(race), "-p=1", "./..."),
				when: when,
			}
			if dir == r.benchmarks() {
				c.args, c.when = c.args[1:], situation{}
			}
			errs[i] = test(c)
		}
	})
	err := test(command{
		dir:  r.root,
		env:  []string{"CGO_ENABLED=1", r.workspace(), raceOptions()},
		args: append(append(race, "-p="+strconv.Itoa(runtime.NumCPU()+1)), r.patterns()...),
		when: when,
	})
	others.Wait()
	return errors.Join(append(errs, err)...)
}

// stressPass runs the tests of the workspace under the race detector several times while every
// processor is busy, to find tests that fail on a slow machine.
func stressPass(ctx context.Context, r *repo, test func(command) error, _ io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	var loops sync.WaitGroup
	defer loops.Wait()
	defer stop()
	for range runtime.NumCPU() {
		loops.Go(func() {
			for ctx.Err() == nil {
			}
		})
	}
	return test(command{
		dir:  r.root,
		env:  []string{"CGO_ENABLED=1", r.workspace()},
		args: append([]string{"-race", noVet, "-count=3", "-timeout=1h"}, r.patterns()...),
		when: situation{race: true},
	})
}

// longFlags are the flags that enable tests which take minutes.
var longFlags = []string{"all", "every", "long"}

// longPass runs the packages whose tests have one of the flags, with it, and the benchmarks under
// the race detector.
func longPass(_ context.Context, r *repo, test func(command) error, _ io.Writer) error {
	when := situation{race: true}
	var errs []error
	if dir := r.benchmarks(); slices.Contains(r.outside, dir) {
		errs = append(errs, test(command{
			dir:  dir,
			env:  []string{"CGO_ENABLED=1", "GOWORK=off"},
			args: []string{"-race", noVet, "-count=1", "-timeout=1h", "./..."},
			when: when,
		}))
	}
	for _, name := range longFlags {
		flag := regexp.MustCompile(`\bflag\.Bool\("` + name + `"`)
		err := testMatching(r, flag, test, command{
			env:  []string{"CGO_ENABLED=1"},
			args: []string{"-race", noVet, "-count=1", "-timeout=2h"},
			when: when,
		}, "-args", "-"+name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// allocPass runs the tests of the workspace with Alloc in their names, and those that are left to it.
// It passes only the packages that have any, because go test would build the others too.
func allocPass(_ context.Context, r *repo, test func(command) error, _ io.Writer) error {
	names := []string{"Alloc"}
	for _, module := range r.members {
		dirs, err := packagesWith(module, plain)
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			tests, err := leftTests(dir)
			if err != nil {
				return err
			}
			for _, name := range tests {
				names = append(names, "^"+name+"$")
			}
		}
	}
	workspace := *r
	workspace.outside = nil
	return testMatching(&workspace, plain, test, command{args: []string{noVet, "-count=1", "-run", strings.Join(names, "|")}})
}

// testMatching runs c in the workspace and in each other module, on the packages that have
// tests which the pattern matches. Last are arguments that come after the packages.
func testMatching(r *repo, pattern *regexp.Regexp, test func(command) error, c command, last ...string) error {
	packages := func(from string, modules ...string) ([]string, error) {
		var dirs []string
		for _, module := range modules {
			found, err := packagesWith(module, pattern)
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
	run := func(dir, workspace string, modules ...string) error {
		dirs, err := packages(dir, modules...)
		if err != nil || len(dirs) == 0 {
			return err
		}
		return test(command{dir, slices.Concat(c.env, []string{workspace}), slices.Concat(c.args, dirs, last), c.when})
	}
	errs := []error{run(r.root, r.workspace(), r.members...)}
	for _, module := range r.outside {
		errs = append(errs, run(module, "GOWORK=off", module))
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
	return test(command{r.root, env, []string{noVet, "-short", "./..."}, situation{short: true, arch: arch}})
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

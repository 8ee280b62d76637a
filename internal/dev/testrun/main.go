// Testrun runs the tests of every module of the repository and reports the tests that
// were skipped. In a plain run of go test a skipped test looks like one that passed.
//
//	testrun [-root DIR] [-expected FILE] [-strict] PASS...
//
// The passes are
//
//	race    every test, under the race detector except for those of the benchmarks
//	long    the packages whose tests have the flag -all, -every or -long, with it, and the
//	        benchmarks under the race detector
//	alloc   without the race detector: the tests of the workspace with Alloc in their names,
//	        since it allocates itself, and those marked race.Left, since it makes them slow
//	stress  the tests of the workspace, three times each, while every processor is busy
//	386     the short tests of the core as a 32-bit program
//
// FILE lists the skips that are expected, and when. With -strict, which is the default if
// the environment variable CI is set, a skip that is not expected is a failure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "testrun:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("testrun", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "the root `folder` of the repository")
	list := flags.String("expected", "internal/dev/skips.txt", "the `file`, below the root, that lists the expected skips")
	strict := flags.Bool("strict", os.Getenv("CI") != "", "fail if a skip is not expected; the default is whether CI is set")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return fmt.Errorf("want a pass: %s", strings.Join(passNames(), ", "))
	}
	for _, name := range flags.Args() {
		if passes[name] == nil {
			return fmt.Errorf("unknown pass %q: want %s", name, strings.Join(passNames(), ", "))
		}
	}
	r, err := openRepo(ctx, *root)
	if err != nil {
		return err
	}
	expected, err := readExpected(filepath.Join(r.root, filepath.FromSlash(*list)))
	if err != nil {
		return err
	}

	sum := summary{listed: *list}
	stdout, stderr = &syncWriter{w: stdout}, &syncWriter{w: stderr}
	start := time.Now()
	var failed []error
	for _, name := range flags.Args() {
		err := passes[name](ctx, r, func(c command) error {
			return test(ctx, c, r.core, expected, &sum, stdout, stderr)
		}, stdout)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("pass %s: %w", name, err))
		}
	}
	unexpected := sum.print(stdout, time.Since(start))
	if *strict && unexpected > 0 {
		failed = append(failed, fmt.Errorf("%d skips that %s does not expect", unexpected, *list))
	}
	return errors.Join(failed...)
}

func passNames() []string {
	var names []string
	for name := range passes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

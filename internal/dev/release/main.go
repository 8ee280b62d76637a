// Release makes releases of the modules of the repository, and checks what one release
// promises to the others. See docs/releasing.md.
//
//	release [-root DIR] publish [-dry-run] [-test COMMAND] VERSION
//	release [-root DIR] released
//	release [-root DIR] api [-apidiff PROGRAM] [BASE]
//
// Publish makes the commit and the tags of a release, and pushes nothing. Released builds
// every driver that was released with the core of today. Api prints how the exported API
// of each module differs from its last release, or from the commit BASE.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "release:", err)
		}
		os.Exit(1)
	}
}

const wantCommand = "want a command: publish, released or api"

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	root := flags.String("root", ".", "the root `folder` of the repository")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New(wantCommand)
	}
	command := commands[flags.Arg(0)]
	if command == nil {
		return fmt.Errorf("unknown command %q: %s", flags.Arg(0), wantCommand)
	}
	r, err := openRepo(ctx, *root)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "release-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	return command(ctx, r, temp, flags.Args()[1:], out)
}

// commands do what the command line says. They may use the folder temp, which is empty.
var commands = map[string]func(ctx context.Context, r *repo, temp string, args []string, out io.Writer) error{
	"publish":  publishCommand,
	"released": releasedCommand,
	"api":      apiCommand,
}

func publishCommand(ctx context.Context, r *repo, temp string, args []string, out io.Writer) error {
	var p publisher
	flags := flag.NewFlagSet("publish", flag.ContinueOnError)
	flags.BoolVar(&p.dryRun, "dry-run", false, "leave the repository as it is")
	flags.StringVar(&p.test, "test", "go test ./...", "the `command` that tests each module against the tagged core")
	flags.StringVar(&p.build, "build", "go build", "the `command` that builds the packages of each module, in a program that requires it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("want the version of the release, such as v0.2.0")
	}
	p.version = flags.Arg(0)
	return p.publish(ctx, r, temp, out)
}

func releasedCommand(ctx context.Context, r *repo, temp string, args []string, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return checkReleased(ctx, r, temp, out)
}

func apiCommand(ctx context.Context, r *repo, temp string, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("api", flag.ContinueOnError)
	apidiff := flags.String("apidiff", "apidiff", "the `program` golang.org/x/exp/cmd/apidiff")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 1 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(1))
	}
	return diffAPI(ctx, r, temp, *apidiff, flags.Arg(0), out)
}

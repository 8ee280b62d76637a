// Consumercheck uses larder's modules as a stranger to this repository would,
// before they are published. It packs each published module as the module proxy
// does, serves the result from a local folder as GOPROXY, and works against
// that, with no replace and no workspace:
//
//	consumercheck -root DIR check         go get, vendor, build and run programs
//	consumercheck -root DIR tidy [-check] go mod tidy for every module
//
// Nothing it downloads or makes up reaches the user's own module cache: a
// version that is not published yet must not be remembered there.
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
		fmt.Fprintln(os.Stderr, "consumercheck:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("consumercheck", flag.ContinueOnError)
	root := flags.String("root", ".", "the root folder of the repository")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("want a command: check or tidy")
	}

	tree, err := readTree(ctx, *root)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "consumercheck-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	proxy, err := packAll(ctx, tree, temp, out)
	if err != nil {
		return err
	}

	switch command := flags.Arg(0); command {
	case "check":
		return checkConsumers(ctx, tree, proxy, temp, out)
	case "tidy":
		tidyFlags := flag.NewFlagSet("tidy", flag.ContinueOnError)
		check := tidyFlags.Bool("check", false, "change nothing, fail if something would")
		if err := tidyFlags.Parse(flags.Args()[1:]); err != nil {
			return err
		}
		return tidyAll(ctx, tree, proxy, temp, *check, out)
	default:
		return fmt.Errorf("unknown command %q: want check or tidy", command)
	}
}

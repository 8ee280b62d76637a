// Command benchmarks compares larder with its peers and writes the results into
// docs/benchmarks.md:
//
//	go run . -memory all           caches in the process, about an hour
//	go run . -drivers all          memcached drivers, about 5 minutes
//	go run . -native all           drivers/memcached and its peers, about 6 minutes
//	go run . -valkey all           the driver for Valkey and Redis, about 2 minutes
//	go run . -through all          reading through with package load, about 3 minutes
//	go run . -memory all -quick    a smoke test of 10 minutes; prints, writes nothing
//
// All take a list of parts in the place of all.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/child"
	"github.com/larder-go/larder/internal/dev/benchmarks/drvbench"
	"github.com/larder-go/larder/internal/dev/benchmarks/loadbench"
	"github.com/larder-go/larder/internal/dev/benchmarks/membench"
	"github.com/larder-go/larder/internal/dev/benchmarks/nativebench"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/valkeybench"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("benchmarks", flag.ExitOnError)
	memory := flags.String("memory", "", "measure these `parts` of the memory benchmarks: all, or some of "+strings.Join(membench.Parts(), ","))
	drivers := flags.String("drivers", "", "measure these `parts` of the driver benchmarks: all, or some of "+strings.Join(drvbench.Parts(), ","))
	valkeys := flags.String("valkey", "", "measure these `parts` of the benchmarks of the driver for Valkey and Redis: all, or some of "+strings.Join(valkeybench.Parts(), ","))
	native := flags.String("native", "", "measure these `parts` of the benchmarks of drivers/memcached: all, or some of "+strings.Join(nativebench.Parts(), ","))
	through := flags.String("through", "", "measure these `parts` of the benchmarks of package load: all, or some of "+strings.Join(loadbench.Parts(), ","))
	only := flags.String("only", "", "measure only these `implementations`, separated by commas")
	quick := flags.Bool("quick", false, "a smoke test: short, and printed instead of written")
	passes := flags.Int("passes", 0, "how often the speed part goes round (5; 1 if quick)")
	docs := flags.String("doc", "../../../docs/benchmarks.md", "the `file` with the sections to write")
	save := flags.String("save", "", "write the raw results as JSON to this `file`")
	load := flags.String("load", "", "measure nothing: render the raw results in this `file`")
	job := flags.String(child.Flag, "", "used by the program itself: do this `job` and print the result")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *job != "" {
		return child.Run(*job, os.Stdout, membench.Children, drvbench.Children)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	var results raw
	if *load != "" {
		text, err := os.ReadFile(*load)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &results); err != nil {
			return err
		}
		return results.write(*docs, *quick)
	}
	if *memory == "" && *drivers == "" && *native == "" && *valkeys == "" && *through == "" {
		flags.Usage()
		return errors.New("nothing to do: want -memory, -drivers, -native, -valkey, -through or -load")
	}
	command := "go run ."
	flags.Visit(func(f *flag.Flag) {
		if f.Name != "save" && f.Name != "doc" { // files of this machine
			command += fmt.Sprintf(" -%s %v", f.Name, f.Value)
		}
	})
	if *memory != "" {
		began := time.Now()
		r, err := membench.Run(membench.Options{
			Parts: parts(*memory, membench.Parts()), Only: list(*only), Quick: *quick, Passes: *passes, Log: os.Stderr,
		})
		if err != nil {
			return err
		}
		r.Command, r.Machine, r.Took = command, report.Machine(), time.Since(began).Round(time.Second).String()
		results.Memory = r
	}
	if *drivers != "" {
		began := time.Now()
		r, err := drvbench.Run(drvbench.Options{Parts: parts(*drivers, drvbench.Parts()), Quick: *quick, Log: os.Stderr})
		if err != nil {
			return err
		}
		r.Command, r.Machine, r.Took = command, report.Machine(), time.Since(began).Round(time.Second).String()
		results.Drivers = r
	}
	if *native != "" {
		began := time.Now()
		r, err := nativebench.Run(nativebench.Options{
			Parts: parts(*native, nativebench.Parts()), Only: list(*only), Quick: *quick, Log: os.Stderr,
		})
		if err != nil {
			return err
		}
		r.Command, r.Machine, r.Took = command, report.Machine(), time.Since(began).Round(time.Second).String()
		results.Native = r
	}
	if *valkeys != "" {
		began := time.Now()
		r, err := valkeybench.Run(valkeybench.Options{Parts: parts(*valkeys, valkeybench.Parts()), Quick: *quick, Log: os.Stderr})
		if err != nil {
			return err
		}
		r.Command, r.Machine, r.Took = command, report.Machine(), time.Since(began).Round(time.Second).String()
		results.Valkey = r
	}
	if *through != "" {
		began := time.Now()
		r, err := loadbench.Run(loadbench.Options{Parts: parts(*through, loadbench.Parts()), Quick: *quick, Log: os.Stderr})
		if err != nil {
			return err
		}
		r.Command, r.Machine, r.Took = command, report.Machine(), time.Since(began).Round(time.Second).String()
		results.Through = r
	}
	if *save != "" {
		text, err := json.Marshal(results)
		if err != nil {
			return err
		}
		if err := os.WriteFile(*save, text, 0o644); err != nil {
			return err
		}
	}
	return results.write(*docs, *quick)
}

// parts are the names in s, or all.
func parts(s string, all []string) []string {
	if s == "all" {
		return all
	}
	return list(s)
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// raw holds the measurements.
type raw struct {
	Memory  *membench.Results
	Drivers *drvbench.Results
	Native  *nativebench.Results
	Valkey  *valkeybench.Results
	Through *loadbench.Results
}

// write puts the sections into the document, or prints them.
func (r raw) write(path string, quick bool) error {
	d := report.Document{Path: path}
	if r.Memory != nil {
		if quick {
			return r.Memory.Print(os.Stdout)
		}
		if err := r.Memory.Write(d); err != nil {
			return err
		}
	}
	if r.Drivers != nil {
		if quick {
			return r.Drivers.Print(os.Stdout)
		}
		if err := r.Drivers.Write(d); err != nil {
			return err
		}
	}
	if r.Native != nil {
		if quick {
			return r.Native.Print(os.Stdout)
		}
		if err := r.Native.Write(d); err != nil {
			return err
		}
	}
	if r.Valkey != nil {
		if quick {
			return r.Valkey.Print(os.Stdout)
		}
		if err := r.Valkey.Write(d); err != nil {
			return err
		}
	}
	if r.Through != nil {
		if quick {
			return r.Through.Print(os.Stdout)
		}
		return r.Through.Write(d)
	}
	return nil
}

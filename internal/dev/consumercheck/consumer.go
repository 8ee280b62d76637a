package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// consumer is a program outside the repository that uses some of its modules.
type consumer struct {
	name   string
	source string // of its main.go
	get    []*mod // the modules it asks for
	want   string // what it prints
}

// result describes a consumer that ran.
type result struct {
	vendor vendor
	deps   []string // packages it is built of, without the standard library
	sums   []byte   // its go.sum
}

// checkConsumers builds and runs every consumer and judges what each of them
// needed.
func checkConsumers(ctx context.Context, t *tree, p *proxy, temp string, out io.Writer) error {
	var problems []error
	byDriver := map[string]vendor{}
	all, err := consumers(ctx, t, p, temp)
	if err != nil {
		return err
	}
	for _, c := range all {
		r, err := runConsumer(ctx, p, filepath.Join(temp, "consumer-"+c.name), c)
		if err != nil {
			return fmt.Errorf("the program %q: %w", c.name, err)
		}
		fmt.Fprintf(out, "%s: ran; vendors %s\n", c.name, strings.Join(r.vendor.modules(), ", "))
		for _, err := range judge(t, c, r) {
			problems = append(problems, fmt.Errorf("the program %q %w", c.name, err))
		}
		if err := checkSums(t, r.sums); err != nil {
			problems = append(problems, fmt.Errorf("the program %q: %w", c.name, err))
		}
		for _, m := range c.get {
			if m.driver() != "" {
				byDriver[m.path()] = r.vendor
			}
		}
	}
	problems = append(problems, checkShared(t.core, byDriver)...)
	return errors.Join(problems...)
}

// runConsumer makes the program in dir from nothing, as its author would, and
// runs it twice: from the module cache, and from its vendor folder with nothing
// else within reach.
func runConsumer(ctx context.Context, p *proxy, dir string, c consumer) (result, error) {
	if err := os.Mkdir(dir, 0o777); err != nil {
		return result{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(c.source), 0o666); err != nil {
		return result{}, err
	}
	goTool := func(env []string, args ...string) (string, error) {
		own := []string{"GOMODCACHE=" + dir + "-modcache"} // as on a new machine
		return output(ctx, dir, slices.Concat(p.env, own, env), "go", args...)
	}

	if _, err := goTool(nil, "mod", "init", "example.com/consumer"); err != nil {
		return result{}, err
	}
	get := []string{"get"}
	for _, m := range c.get {
		get = append(get, m.path()+"@"+m.version)
	}
	if _, err := goTool(nil, get...); err != nil {
		return result{}, err
	}
	printed, err := goTool(nil, "run", ".")
	if err != nil {
		return result{}, err
	}
	if printed != c.want {
		return result{}, fmt.Errorf("printed %q, want %q", printed, c.want)
	}

	if _, err := goTool(nil, "mod", "vendor"); err != nil {
		return result{}, err
	}
	alone := []string{"GOPROXY=off", "GOMODCACHE=" + filepath.Join(dir, "empty")}
	printed, err = goTool(alone, "run", "-mod=vendor", ".")
	if err != nil {
		return result{}, err
	}
	if printed != c.want {
		return result{}, fmt.Errorf("vendored, printed %q, want %q", printed, c.want)
	}

	var r result
	listed, err := goTool(alone, "list", "-mod=vendor", "-deps",
		"-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	if err != nil {
		return result{}, err
	}
	r.deps = slices.DeleteFunc(strings.Fields(listed), func(p string) bool { return p == "example.com/consumer" })
	modulesTxt, err := readIfThere(filepath.Join(dir, "vendor", "modules.txt"))
	if err != nil {
		return result{}, err
	}
	if r.vendor, err = parseVendor(modulesTxt); err != nil {
		return result{}, err
	}
	r.sums, err = readIfThere(filepath.Join(dir, "go.sum"))
	return r, err
}

// consumers gives the programs: one for the most common use, one for all of the
// core, and one for each other published module.
func consumers(ctx context.Context, t *tree, p *proxy, temp string) ([]consumer, error) {
	var all []consumer
	for _, m := range t.published() {
		switch {
		case m.path() == t.core:
			every, err := importsAll(ctx, t, p, temp, m)
			if err != nil {
				return nil, err
			}
			every.name = "core"
			all = append(all, consumer{name: "memory", source: memoryProgram, get: []*mod{m}, want: "hello\n"}, every)
		case m.driver() != "":
			all = append(all, consumer{
				name:   m.driver(),
				source: strings.ReplaceAll(driverProgram, "DRIVER", m.driver()),
				get:    []*mod{m},
				want:   "true\nlarder\n",
			})
		default:
			every, err := importsAll(ctx, t, p, temp, m)
			if err != nil {
				return nil, err
			}
			all = append(all, every)
		}
	}
	return all, nil
}

// importsAll is a program that imports every package of a module that users can import.
func importsAll(ctx context.Context, t *tree, p *proxy, temp string, m *mod) (consumer, error) {
	public, err := publicPackages(ctx, t, p, temp, m)
	if err != nil {
		return consumer{}, err
	}
	var imports strings.Builder
	for _, p := range public {
		fmt.Fprintf(&imports, "\t_ %q\n", p)
	}
	return consumer{
		name:   strings.ReplaceAll(m.dir, "/", "-"),
		source: strings.Replace(importProgram, "IMPORTS", imports.String(), 1),
		get:    []*mod{m},
		want:   "hello\n",
	}, nil
}

// publicPackages lists the packages of a module that users can import.
func publicPackages(ctx context.Context, t *tree, p *proxy, temp string, m *mod) ([]string, error) {
	goMod, err := copyModFiles(t, m, temp)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(t.root, filepath.FromSlash(m.dir))
	out, err := output(ctx, dir, p.env, "go", "list", "-mod=mod", "-modfile="+goMod,
		"-f", `{{if and .GoFiles (ne .Name "main")}}{{.ImportPath}}{{end}}`, "./...")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(strings.Fields(out), func(p string) bool {
		return strings.Contains(p+"/", "/internal/")
	}), nil
}

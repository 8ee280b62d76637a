package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// judge returns the modules and packages that a program was given and did not require.
func judge(t *tree, c consumer, r result) []error {
	var problems []error

	// Of this repository, exactly the packages it is built of; one that is there
	// for another platform only would be a surprise too.
	built := map[string]bool{}
	for _, p := range r.deps {
		built[p] = true
	}
	for module, packages := range r.vendor {
		for _, p := range packages {
			if t.own(module) && !built[p] {
				problems = append(problems, fmt.Errorf("vendors %s, which it is not built of", p))
			}
		}
	}

	// Of others, only what the modules that it requires do.
	allowed := map[string]bool{t.core: true}
	for _, m := range c.get {
		allowed[m.path()] = true
		if m.path() == t.core {
			continue // what the core requires, it requires for its tests
		}
		for _, require := range m.file.Require {
			allowed[require.Mod.Path] = true
		}
	}
	for _, module := range r.vendor.modules() {
		if !allowed[module] {
			problems = append(problems, fmt.Errorf("vendors module %s, which %s does not require", module, paths(c.get)))
		}
	}
	return problems
}

// checkShared reports modules that programs on different drivers both got: a
// driver must not bring the client library of another. The Go project's own
// extensions are exempt.
func checkShared(core string, byDriver map[string]vendor) []error {
	gotBy := map[string][]string{}
	for driver, vendor := range byDriver {
		for module := range vendor {
			if module != core && !strings.HasPrefix(module, "golang.org/x/") {
				gotBy[module] = append(gotBy[module], driver)
			}
		}
	}
	var problems []error
	for module, drivers := range gotBy {
		if len(drivers) > 1 {
			slices.Sort(drivers)
			problems = append(problems, fmt.Errorf("module %s is vendored with each of %s, but belongs to one driver",
				module, strings.Join(drivers, ", ")))
		}
	}
	return problems
}

// checkSums makes sure that a program was given the very modules that the
// repository was tested with: each checksum in its go.sum of a module that is not
// from here must be in a go.sum of a published module.
func checkSums(t *tree, sums []byte) error {
	known := map[string]bool{}
	for _, m := range t.published() {
		data, err := readIfThere(filepath.Join(t.root, filepath.FromSlash(m.dir), "go.sum"))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			known[line] = true
		}
	}
	for line := range strings.Lines(string(linesOfSum(sums, func(path string) bool { return !t.own(path) }))) {
		if !known[line] {
			return fmt.Errorf("go.sum has a line that no published module has, is 'make tidy' due? %s",
				strings.TrimSpace(line))
		}
	}
	return nil
}

func paths(modules []*mod) string {
	var all []string
	for _, m := range modules {
		all = append(all, m.path())
	}
	return strings.Join(all, ", ")
}

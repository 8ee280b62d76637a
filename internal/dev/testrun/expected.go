package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// A skip is a test that was skipped.
type skip struct {
	pkg    string // relative to the core; "." for the package at the root
	test   string
	reason string // what the test said; empty if it said nothing
	when   situation
}

// A situation describes how a test was run.
type situation struct {
	race  bool
	short bool
	arch  string // GOARCH; empty for that of this machine
}

// conditions are the words of the first column of the list of expected skips. They report
// whether the machine and the way the tests are run are such that a skip is all right.
// A condition that can be looked up is looked up: that a test says "no IPv6" does not
// make it true.
var conditions = map[string]func(situation) bool{
	"always":    func(situation) bool { return true },
	"race":      func(s situation) bool { return s.race },
	"short":     func(s situation) bool { return s.short },
	"386":       func(s situation) bool { return s.arch == "386" || s.arch == "" && runtime.GOARCH == "386" },
	"not-linux": func(situation) bool { return runtime.GOOS != "linux" },
	"root":      func(situation) bool { return os.Geteuid() == 0 },
	"no-ipv6":   func(situation) bool { return !hasIPv6() },
}

// without begins a condition that names commands, separated by commas, of which the
// machine has none.
const without = "without:"

func condition(word string) (func(situation) bool, error) {
	if commands, ok := strings.CutPrefix(word, without); ok && commands != "" {
		names := strings.Split(commands, ",")
		return func(situation) bool { return !slices.ContainsFunc(names, hasCommand) }, nil
	}
	if holds := conditions[word]; holds != nil {
		return holds, nil
	}
	known := []string{without + "COMMAND,..."}
	for name := range conditions {
		known = append(known, name)
	}
	slices.Sort(known)
	return nil, fmt.Errorf("unknown condition %q; known: %s", word, strings.Join(known, ", "))
}

func hasCommand(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// An expectation is a line of the list of expected skips.
type expectation struct {
	holds     func(situation) bool
	pkg, test *regexp.Regexp
	reason    string
}

// readExpected reads the list of expected skips. Each line has the condition, the package,
// the test and the reason, separated by spaces.
func readExpected(name string) ([]expectation, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var all []expectation
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		e, err := parseExpectation(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if e != nil {
			all = append(all, *e)
		}
	}
	return all, nil
}

// parseExpectation returns nil for a line that is empty or a comment.
func parseExpectation(line string) (*expectation, error) {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return nil, nil
	}
	if len(fields) < 4 {
		return nil, fmt.Errorf("want a condition, a package, a test and the reason, got %q", strings.TrimSpace(line))
	}
	holds, err := condition(fields[0])
	if err != nil {
		return nil, err
	}
	return &expectation{
		holds:  holds,
		pkg:    glob(fields[1]),
		test:   glob(fields[2]),
		reason: strings.Join(fields[3:], " "),
	}, nil
}

// glob turns a pattern into a regular expression. A * matches any characters, slashes
// included.
func glob(pattern string) *regexp.Regexp {
	parts := strings.Split(pattern, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
}

// expects reports whether s is the skip that e describes, and it may happen here.
func (e expectation) expects(s skip) bool {
	return e.pkg.MatchString(s.pkg) && e.test.MatchString(s.test) &&
		strings.Contains(s.reason, e.reason) && e.holds(s.when)
}

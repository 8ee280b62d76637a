package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// summary adds up the results of all runs.
type summary struct {
	listed   string // the file of the expected skips
	mu       sync.Mutex
	packages int
	passed   int
	failed   []failure
	groups   []group
}

// A group is skips of one package for one reason.
type group struct {
	pkg, reason string
	expected    bool
	tests       []string
}

func (s *summary) add(n seen, expected []expectation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packages += n.packages
	s.passed += n.passed
	s.failed = append(s.failed, n.failed...)
	for _, k := range n.skips {
		ok := slices.ContainsFunc(expected, func(e expectation) bool { return e.expects(k) })
		i := slices.IndexFunc(s.groups, func(g group) bool {
			return g.pkg == k.pkg && g.reason == k.reason && g.expected == ok
		})
		if i < 0 {
			i = len(s.groups)
			s.groups = append(s.groups, group{pkg: k.pkg, reason: k.reason, expected: ok})
		}
		s.groups[i].tests = append(s.groups[i].tests, k.test)
	}
}

// print prints the skips, those that are not expected last, the failures, and the totals. It returns
// the number of skips that are not expected.
func (s *summary) print(out io.Writer, took time.Duration) (unexpected int) {
	skipped := 0
	for _, g := range s.groups {
		skipped += len(g.tests)
		if g.expected {
			fmt.Fprintf(out, "skipped: %s\n", g)
		}
	}
	for _, g := range s.groups {
		if g.expected {
			continue
		}
		unexpected += len(g.tests)
		fmt.Fprintf(out, "SKIPPED, which %s does not expect: %s\n", s.listed, g)
		for _, test := range g.tests {
			fmt.Fprintf(out, "\tWHEN %s %s %s\n", g.pkg, test, g.reason)
		}
	}
	if unexpected > 0 {
		fmt.Fprintf(out, "Let these tests run, or add the lines above to %s, with a condition for WHEN.\n", s.listed)
	}
	for _, f := range s.failed {
		fmt.Fprintf(out, "FAILED: %s\n", strings.TrimSpace(f.pkg+" "+f.test))
	}
	fmt.Fprintf(out, "%d tests and subtests passed, %d failed, %d skipped, of %d packages, in %v\n",
		s.passed, len(s.failed), skipped, s.packages, took.Round(time.Second))
	return unexpected
}

func (g group) String() string {
	name := g.pkg + " " + g.tests[0]
	if n := len(g.tests) - 1; n > 0 {
		name += fmt.Sprintf(" and %d more", n)
	}
	return strings.TrimSuffix(name+": "+g.reason, ": ")
}

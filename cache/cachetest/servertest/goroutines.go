package servertest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
)

// label is the profiler label of the goroutines of a case. A goroutine inherits it from the one
// that starts it, so that those of a case can be counted beside those of other tests.
const label = "servertest"

// labels numbers the cases of the process.
var labels atomic.Int64

// labeled calls f with a label that no other case has.
func (s *suite) labeled(f func()) {
	s.label = strconv.FormatInt(labels.Add(1), 10)
	pprof.Do(context.Background(), pprof.Labels(label, s.label), func(context.Context) { f() })
}

// goroutines returns how many goroutines the case has.
func (s *suite) goroutines() int {
	s.t.Helper()
	var profile bytes.Buffer
	s.must(pprof.Lookup("goroutine").WriteTo(&profile, 1), "the profile of goroutines")
	n, err := countGoroutines(profile.String(), s.label)
	s.must(err, "the profile of goroutines")
	return n
}

// countGoroutines counts those with a label. The profile has a paragraph for each stack:
//
//	2 @ 0x43a52e 0x4332f7
//	# labels: {"servertest":"1"}
//	#	0x43a52d	net.(*conn).Read+0x4d	...
func countGoroutines(profile, value string) (int, error) {
	want := fmt.Sprintf("%q:%q", label, value)
	sum, last := 0, 0
	for lines := bufio.NewScanner(strings.NewReader(profile)); lines.Scan(); {
		line := lines.Text()
		if labels, ok := strings.CutPrefix(line, "# labels: "); ok {
			if strings.Contains(labels, want) {
				sum += last
			}
		} else if n, _, ok := strings.Cut(line, " @ "); ok {
			var err error
			if last, err = strconv.Atoi(n); err != nil {
				return 0, err
			}
		}
	}
	if sum == 0 {
		return 0, fmt.Errorf("no goroutine has the label %s, not even that of the case", want)
	}
	return sum, nil
}

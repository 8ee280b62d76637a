package servertest

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// TestMain lets many tests run in parallel: most of them wait for a timeout.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "20"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

// record takes the place of a [testing.T] and keeps the failures that the suite reports.
type record struct {
	mu      sync.Mutex
	errors  []string
	skipped bool
}

func (r *record) Helper() {}

func (r *record) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprint(args...))
}

func (r *record) FailNow() { runtime.Goexit() }

func (r *record) Skip(...any) {
	r.skipped = true
	runtime.Goexit()
}

// toyResults runs one case on toy servers and returns what it reports. The bounds on time
// are those of the suite for a correct driver, and short for one that has a fault.
func toyResults(c test, f toyFaults) *record {
	r := &record{}
	var servers []*toyServer
	start := func(limit int) Server {
		s := startToy(limit)
		servers = append(servers, s)
		return s
	}
	s := &suite{
		t: r, test: c, o: Options{TooLarge: toyMost + 1, Restarts: 8}, patient: patient, short: short, slack: slack,
		start: func() Server { return start(0) }, startLimited: start,
		openCache: func(c Config) *cache.Cache { return openToy(c, f) },
	}
	if f != (toyFaults{}) {
		s.patient, s.short, s.slack = 2*time.Second, 200*time.Millisecond, 400*time.Millisecond
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run()
	}()
	<-done
	for _, s := range servers {
		s.Kill()
	}
	return r
}

// A correct driver passes every case, and skips none.
func TestCorrectDriverPasses(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := toyResults(c, toyFaults{})
			for _, e := range r.errors {
				t.Error(e)
			}
			if r.skipped {
				t.Error("the case was skipped")
			}
		})
	}
}

// toyFaultCases are drivers that do one thing wrong, and a case that must see it.
var toyFaultCases = map[string]struct {
	faults toyFaults
	by     string
}{
	"an outage is a miss":                           {toyFaults{missInOutage: true}, "down/every operation"},
	"errors name no server":                         {toyFaults{unnamed: true}, "down/every operation"},
	"errors name another server":                    {toyFaults{namesAnother: true}, "killed/one of three"},
	"keys move":                                     {toyFaults{movesKeys: true}, "killed/one of three"},
	"errors of a batch are dropped":                 {toyFaults{dropsErrors: true}, "killed/one of three"},
	"one refused value ends the batch":              {toyFaults{failsBatch: true}, "values/too large among small ones"},
	"a server that failed is never asked again":     {toyFaults{neverRecovers: true}, "down/starts later"},
	"a lost connection is an error of a get":        {toyFaults{noSecondTry: true}, "restarted/between two calls"},
	"lost connections stay":                         {toyFaults{keepsLost: true}, "restarted/one loss is enough"},
	"counts are sent twice":                         {toyFaults{countsTwice: true}, "replies/lost"},
	"swaps are sent twice":                          {toyFaults{swapsTwice: true}, "replies/lost"},
	"tokens outlive their server":                   {toyFaults{oldTokens: true}, "tokens/end with their server"},
	"tokens outlive their server, read meanwhile":   {toyFaults{oldTokens: true}, "tokens/read while it restarts"},
	"tokens hardly live":                            {toyFaults{deadTokens: true}, "tokens/live"},
	"every caller waits for a frozen server":        {toyFaults{noBackOff: true}, "frozen/back-off"},
	"calls have no timeout":                         {toyFaults{noTimeout: true}, "frozen/every operation"},
	"a server that was frozen is never asked again": {toyFaults{neverRecovers: true}, "frozen/one of three"},
	"calls do not end with their context":           {toyFaults{noDeadline: true}, "context/deadline during a call"},
	"calls do not end when canceled":                {toyFaults{noDeadline: true}, "context/canceled during a call"},
	"errors of a context do not name the server":    {toyFaults{plainContext: true}, "context/canceled during a call"},
	"late replies are taken":                        {toyFaults{takesLate: true, sharesReplies: true}, "frozen/late replies"},
	"late replies are taken, in traffic":            {toyFaults{takesLate: true, sharesReplies: true}, "context/values keep to their keys"},
	"a reply that is cut off is taken":              {toyFaults{takesCut: true}, "replies/cut off"},
	"garbage is taken":                              {toyFaults{takesGarbage: true}, "replies/garbage"},
	"replies are taken for any key":                 {toyFaults{sharesReplies: true}, "replies/twice"},
	"a reply that stops is waited for":              {toyFaults{noTimeout: true}, "replies/stuck"},
	"a large value is an outage":                    {toyFaults{largeIsOutage: true}, "values/too large"},
	"opening connects":                              {toyFaults{dialsAtOpen: true}, "close/nothing is left"},
	"connections are left":                          {toyFaults{leaksConns: true}, "close/nothing is left"},
	"goroutines are left":                           {toyFaults{leaksGoroutines: true}, "close/in traffic"},
	"statistics lose connections":                   {toyFaults{countsUnexact: true}, "stats/connections"},
	"statistics count failures twice":               {toyFaults{countsFailures2: true}, "stats/failures"},
	"statistics do not count what was rejected":     {toyFaults{noBackOff: true}, "frozen/back-off"},
	"large counters stick":                          {toyFaults{largeCountsStick: true}, "counts/large"},
	"counts are lost":                               {toyFaults{losesCounts: true}, "counts/large together"},
	"ping stops at the first server that is down":   {toyFaults{pingsFirst: true}, "down/all servers are named"},
	"a lost connection is an error of another sort": {toyFaults{bareLost: true}, "killed/in traffic"},
	"a count that failed has a result":              {toyFaults{guessesCounts: true}, "killed/counts"},
	"a count after a loss is done twice":            {toyFaults{doublesCounts: true}, "restarted/counts"},
	"values are cut":                                {toyFaults{truncates: true}, "values/large"},
	"a server that refused is never asked again":    {toyFaults{neverRecovers: true}, "limit/connections"},
	"callers beyond the pool fail":                  {toyFaults{failsBusy: true}, "limit/many callers"},
	"calls outlive Close":                           {toyFaults{noTimeout: true}, "close/servers that fail"},
}

// Every fault is found by the case whose rule it breaks, and the failure prints the rule.
func TestFaultsAreFound(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(toyFaultCases)) {
		t.Run(name, func(t *testing.T) {
			f := toyFaultCases[name]
			i := slices.IndexFunc(cases(), func(c test) bool { return c.name == f.by })
			if i < 0 {
				t.Fatalf("there is no case %q", f.by)
			}
			c := cases()[i]
			t.Parallel()
			// On a busy machine calls may give up before they are sent, and then no reply is late.
			var r *record
			for range 5 {
				if r = toyResults(c, f.faults); len(r.errors) > 0 {
					break
				}
			}
			if len(r.errors) == 0 {
				t.Fatalf("the case %q passes", c.name)
			}
			for _, e := range r.errors {
				if !strings.Contains(e, c.rule) {
					t.Errorf("the failure does not print the rule: %s", e)
				}
			}
			t.Log(r.errors[0])
		})
	}
}

// Every case finds some fault: one that finds none may be unable to fail.
func TestEveryCaseHasAFault(t *testing.T) {
	found := map[string]bool{}
	for _, f := range toyFaultCases {
		found[f.by] = true
	}
	for _, c := range cases() {
		if !found[c.name] {
			t.Errorf("no fault is found by the case %q", c.name)
		}
	}
}

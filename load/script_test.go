package load_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/load"
)

// This file runs the real code of a process one step at a time.
//
// A process is a loader with some actors that use it at the same time: readers, and those who
// announce changes. Between two steps it is deterministic: what it asks for next depends only
// on the events that it has seen. So a process is a tree: a node is all that it waits for after
// some events, and a branch is one more event. A node is found by running the real code in a
// bubble of testing/synctest, which tells when every goroutine waits, and giving it the events
// on the path to the node. Each node is found once. That makes a step of a schedule as cheap as
// a step in a tree.

// request is one thing that an actor waits for: an operation of the cache, or of the source of
// the data.
type request struct {
	actor  int // whose, also if a load in the background asks
	op     string
	key    string
	value  string
	handle int // cas, cad: which of the items that the process has got
}

func (r request) String() string {
	s := r.op
	if r.key != "" {
		s += " " + r.key
	}
	if r.value != "" {
		s += "=" + show(r.value)
	}
	return s
}

// answer is the result of a request. Tokens are not in it: a process knows its items by number.
type answer struct {
	err   error
	value string
	added bool
}

func (a answer) String() string {
	switch {
	case a.err != nil:
		return strings.TrimPrefix(a.err.Error(), "cache: ")
	case a.added:
		return "added"
	case a.value != "":
		return show(a.value)
	}
	return "ok"
}

// show makes items readable: leases, values with their tags, records.
func show(v string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, v)
	return fmt.Sprintf("%q", clean)
}

// The kinds of event.
const (
	starts  = iota // an actor begins
	gets           // a request gets its result
	cancels        // the context of an actor is canceled
	polls          // time passes, until those who wait for another process look again
)

// event is an event in a process, with its kind.
type event struct {
	kind  int
	actor int
	request
	answer
}

// An actor is code under test, with the result that the property is about.
type actor struct {
	name string
	run  func(ctx context.Context, h *host) result
}

// result is the result of an actor.
type result struct {
	data string // what a Get returned: the version of each source
	err  string
}

// process is a loader with its actors. Make sets it up on a cache; it must ask for nothing.
type process struct {
	actors  []actor
	polls   int // how often time passes at most
	cancels []int
	make    func(h *host)
	// broken, if it is set, makes of the store that the process asks a broken one.
	broken func(do asker) asker
	steps  func(*load.Steps) // breaks steps of its jobs
	// Lists of servers: of the items; of the tags if it is another one; and the one where it
	// invalidates too.
	list, tags, also string

	root *node
}

// node is the state of a process after the events on the path to it.
type node struct {
	id       int
	depth    int
	parent   *node
	via      event
	next     map[event]*node
	started  int
	polled   int
	canceled uint8
	pending  []request
	done     []bool
	busy     bool // something is being loaded, if only in the background
	results  []result
	items    []string // keys of the items that it has got

	// For the world.
	known  bool
	keys   []int   // of pending
	values []int16 // of pending
	held   []int   // items
}

func (p *process) start(t *testing.T, ids *int) *node {
	if p.root == nil {
		p.root = p.find(t, nil, event{}, ids)
	}
	return p.root
}

// after returns the node that follows n.
func (p *process) after(t *testing.T, n *node, e event, ids *int) *node {
	if m := n.next[e]; m != nil {
		return m
	}
	m := p.find(t, n, e, ids)
	if n.next == nil {
		n.next = map[event]*node{}
	}
	n.next[e] = m
	return m
}

func (p *process) find(t *testing.T, n *node, e event, ids *int) *node {
	m := &node{id: *ids, parent: n, via: e}
	*ids++
	var events []event
	if n != nil {
		m.depth, m.started, m.polled, m.canceled = n.depth+1, n.started, n.polled, n.canceled
		m.items = n.items
		switch e.kind {
		case starts:
			m.started++
		case polls:
			m.polled++
		case cancels:
			m.canceled |= 1 << e.actor
		case gets:
			if e.gotItem() {
				m.items = append(slices.Clip(m.items), e.key)
			}
		}
		for at := m; at.parent != nil; at = at.parent {
			events = append(events, at.via)
		}
		slices.Reverse(events)
	}
	synctest.Test(t, func(t *testing.T) {
		h := &host{t: t, process: p, over: make(chan struct{})}
		h.play(events)
		l, _ := h.run.(*load.Loader[string])
		m.busy = l.Jobs() > 0
		m.pending, m.done, m.results = h.end()
		if err := l.Close(); err != nil { // waits for what is done in the background
			t.Fatal(err)
		}
	})
	return m
}

// gotItem reports whether the event gave the process an item.
func (e *event) gotItem() bool {
	return e.kind == gets && e.err == nil && (e.op == "getitem" || e.op == "getoradd")
}

// host plays events to a process.
type host struct {
	t       *testing.T
	process *process
	run     any // of process.make: what the actors use

	mu      sync.Mutex
	waiting []*question
	done    []bool
	results []result
	cancel  []context.CancelFunc
	items   int
	over    chan struct{} // closed when the play is
	actors  sync.WaitGroup
}

type question struct {
	request
	answer chan answer
}

type actorKey struct{}

func (h *host) play(events []event) {
	n := len(h.process.actors)
	h.done, h.results, h.cancel = make([]bool, n), make([]result, n), make([]context.CancelFunc, n)
	h.process.make(h)
	for _, e := range events {
		switch e.kind {
		case starts:
			h.begin(e.actor)
		case gets:
			h.answer(e)
		case cancels:
			h.cancel[e.actor]()
		case polls:
			time.Sleep(100 * time.Millisecond) // the longest pause between two looks
		}
		synctest.Wait()
	}
}

func (h *host) begin(i int) {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), actorKey{}, i))
	h.cancel[i] = cancel
	h.actors.Go(func() {
		r := h.process.actors[i].run(ctx, h)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.done[i], h.results[i] = true, r
	})
}

func (h *host) answer(e event) {
	h.mu.Lock()
	i := slices.IndexFunc(h.waiting, func(q *question) bool { return q.request == e.request })
	if i < 0 {
		h.mu.Unlock()
		h.t.Fatalf("the code is not deterministic: it does not ask for %v any more, but for %v", e.request, h.waiting)
	}
	q := h.waiting[i]
	h.waiting = slices.Delete(h.waiting, i, i+1)
	h.mu.Unlock()
	q.answer <- e.answer
}

// end ends the play and returns what the process waited for.
func (h *host) end() (pending []request, done []bool, results []result) {
	h.mu.Lock()
	for _, q := range h.waiting {
		pending = append(pending, q.request)
	}
	done, results = slices.Clone(h.done), slices.Clone(h.results)
	h.mu.Unlock()
	slices.SortFunc(pending, func(a, b request) int {
		return cmp.Or(cmp.Compare(a.actor, b.actor), cmp.Compare(a.op, b.op), cmp.Compare(a.key, b.key),
			cmp.Compare(a.value, b.value), cmp.Compare(a.handle, b.handle))
	})
	for i := 1; i < len(pending); i++ {
		if pending[i] == pending[i-1] {
			h.t.Fatalf("two equal requests at once: %v", pending[i])
		}
	}
	close(h.over)
	for _, cancel := range h.cancel {
		if cancel != nil {
			cancel()
		}
	}
	h.actors.Wait()
	return pending, done, results
}

var errOver = driver.ErrClosed

// ask waits for the answer to a request.
func (h *host) ask(ctx context.Context, r request) answer {
	r.actor = ctx.Value(actorKey{}).(int)
	q := &question{r, make(chan answer)}
	h.mu.Lock()
	h.waiting = append(h.waiting, q)
	h.mu.Unlock()
	select {
	case a := <-q.answer:
		return a
	case <-h.over:
		return answer{err: errOver}
	}
}

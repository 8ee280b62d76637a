package dependency_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// This file runs the real code one cache operation at a time.
//
// Between two operations the code is deterministic: what it asks next depends only on
// the answers it has had. So a program is a tree: a node is the operation that is
// asked, or the end; a branch is an answer to it. A node is found by running the real
// code over a driver that gives the answers on the path to it and stops the run at the
// first question without an answer. Each node is found once. That makes a step of a
// schedule as cheap as a step in a tree, and "the same answers seen so far" is "the
// same node".

// request is one operation that the code asks of its cache.
type request struct {
	op     string // get, getitem, store, delete, remove, count, cad, wire
	mode   driver.Mode
	key    string
	value  string
	kind   driver.Kind
	delta  uint64
	handle int // cad: which of the items that this program has got

	master string // wire: of the slot with that key
	number uint64
}

func (r request) String() string {
	switch r.op {
	case "store":
		return fmt.Sprintf("%s %s=%s", r.mode, r.key, r.value)
	case "count":
		return fmt.Sprintf("increment %s by %d", r.key, r.delta)
	case "cad":
		return fmt.Sprintf("compare-and-delete %s", r.key)
	}
	return r.op + " " + r.key
}

// answer is the result of a request. Tokens are not in it: the program knows the items that
// it got by their number.
type answer struct {
	err    error
	value  string
	kind   driver.Kind
	number uint64
}

func (a answer) String() string {
	if a.err != nil {
		return strings.TrimPrefix(a.err.Error(), "cache: ")
	}
	if a.number != 0 {
		return fmt.Sprint(a.number)
	}
	if a.value != "" {
		return a.value
	}
	return "ok"
}

// program is code under test: it works on a cache and returns the promises that it
// made or kept, as a set of bits.
type program struct {
	full   uint32 // the result when nothing went wrong
	run    func(context.Context, *cache.Cache) uint32
	evicts bool // on a cache that evicts
	root   *node
}

// node is a place in a program: after the answers on the path to it.
type node struct {
	id      int
	request request // asked here, unless done
	done    bool
	result  uint32 // when done
	items   []string
	faulty  bool // some answer was a fault
	parent  *node
	via     answer
	next    map[answer]*node

	// For the world, see place.
	known  bool
	key    int
	stores uint8
	held   []int
}

func newProgram(full uint32, run func(context.Context, *cache.Cache) uint32) *program {
	return &program{full: full, run: run}
}

// start returns the first node.
func (p *program) start(ids *int) *node {
	if p.root == nil {
		p.root = p.find(nil, answer{}, ids)
	}
	return p.root
}

// after returns the node that follows n when the answer is a.
//
//go:norace
func (p *program) after(n *node, a answer, ids *int) *node {
	if m := n.next[a]; m != nil {
		return m
	}
	m := p.find(n, a, ids)
	if n.next == nil {
		n.next = map[answer]*node{}
	}
	n.next[a] = m
	return m
}

// find runs the real code up to the operation after n.
func (p *program) find(n *node, a answer, ids *int) *node {
	m := &node{id: *ids, parent: n, via: a}
	*ids++
	var s script
	if n != nil {
		m.items = n.items
		m.faulty = n.faulty || a.err == error(errFault)
		if n.request.op == "getitem" && a.err == nil {
			m.items = append(slices.Clip(m.items), n.request.key)
		}
		for at := m; at.parent != nil; at = at.parent {
			s.answers = append(s.answers, at.via)
			s.asked = append(s.asked, at.parent.request)
		}
		slices.Reverse(s.answers)
		slices.Reverse(s.asked)
	}
	m.result, m.request, m.done = s.play(p)
	return m
}

// script is a driver that answers from a list.
type script struct {
	answers []answer
	asked   []request // what the answers belong to
	at      int
	items   int // how many were got
}

// question ends a run at the first request that has no answer yet.
type question struct{ request }

func (s *script) play(p *program) (result uint32, asked request, done bool) {
	defer func() {
		switch q := recover().(type) {
		case nil:
		case question:
			asked = q.request
		default:
			panic(q)
		}
	}()
	var d driver.Cache = s
	if p.evicts {
		d = evictingScript{s}
	}
	result = p.run(context.Background(), cache.New(d, cache.Options{Name: "script"}))
	return result, request{}, true
}

func (s *script) ask(r request) answer {
	if s.at == len(s.answers) {
		panic(question{r})
	}
	if s.asked[s.at] != r {
		panic(fmt.Sprintf("the code is not deterministic: it asked for %v, then for %v", s.asked[s.at], r))
	}
	s.at++
	return s.answers[s.at-1]
}

func (s *script) Get(_ context.Context, key string) ([]byte, error) {
	a := s.ask(request{op: "get", key: key})
	return []byte(a.value), a.err
}

func (s *script) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	return s.ask(request{op: "store", mode: mode, key: e.Key, value: string(e.Value), kind: e.Kind}).err
}

// GetMulti is a sequence of single operations.
func (s *script) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	values, errs := make([][]byte, len(keys)), make([]error, len(keys))
	for i, key := range keys {
		v, err := s.Get(ctx, key)
		if err != nil && err != driver.ErrMiss {
			errs[i] = err
		} else if err == nil {
			values[i] = v
		}
	}
	return values, errs
}

// StoreMulti is a sequence of single operations, in the order of keys: that of the
// caller's map is random.
func (s *script) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(entries[a].Key, entries[b].Key) })
	errs := make([]error, len(entries))
	for _, i := range order {
		errs[i] = s.Store(ctx, mode, entries[i])
	}
	return errs
}

func (s *script) Delete(_ context.Context, key string) error {
	return s.ask(request{op: "delete", key: key}).err
}

// DeleteMulti is a sequence of single operations. Absent keys give nil, as the contract
// allows.
func (s *script) DeleteMulti(ctx context.Context, keys []string) []error {
	errs := make([]error, len(keys))
	for i, key := range keys {
		errs[i] = s.ask(request{op: "remove", key: key}).err
	}
	return errs
}

func (s *script) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	a := s.ask(request{op: "count", key: key, delta: delta})
	return a.number, a.err
}

func (s *script) GetItem(_ context.Context, key string) (driver.Item, error) {
	a := s.ask(request{op: "getitem", key: key})
	if a.err != nil {
		return driver.Item{}, a.err
	}
	s.items++
	return driver.Item{Value: []byte(a.value), Kind: a.kind, Token: s.items - 1}, nil
}

func (s *script) CompareAndDelete(_ context.Context, key string, token any) error {
	return s.ask(request{op: "cad", key: key, handle: token.(int)}).err
}

func (s *script) Decrement(context.Context, string, uint64) (uint64, error) {
	panic("decrement: not a part of any protocol here")
}

func (s *script) CompareAndSwap(context.Context, any, driver.Entry) error {
	panic("compare-and-swap: not a part of any protocol here")
}

func (s *script) Flush(context.Context) error { panic("flush: not a part of any protocol here") }

func (s *script) Close() error { return nil }

var (
	_ driver.Swapper = (*script)(nil)
	_ driver.Batcher = (*script)(nil)
)

// ttl does not matter to schedules: no time passes in them.
const ttl = time.Hour

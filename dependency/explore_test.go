package dependency_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/larder-go/larder/cache/driver"
)

// This file explores what programs do to a store together, at every order of their
// operations. All of it runs in one goroutine: the race detector has nothing to find
// here, and without go:norace it more than doubles the time (13 s of CPU, 6 s with it,
// for TestEveryInterleaving).

// promise is made by the Add of an adder: the item with that value will not survive a
// later Delete.
type promise struct {
	item, value string
	key         int // item, as in state.store
	id          uint8
}

// world is the system that is explored: some programs at once on one store.
type world struct {
	programs []*program
	names    []string
	deletes  []bool            // which of them are deleters
	promises []promise         // by bit
	before   map[string]string // text in the store at the start
	counts   map[string]uint64 // numbers in the store at the start
	faults   int               // how many operations may fail
	evicts   int               // how many entries the store may evict; see evicting_test.go
	probe    *program          // a Delete of everything, run alone in every state

	keys   []string // names of the keys in state.store
	keyIDs map[string]int
	values []value // what state.store holds; 0 is absent
	ids    map[value]uint8
	nodes  int
	probed map[[maxKeys]uint8]uint32
	swap   []byte
}

type value struct {
	text string
	kind driver.Kind
}

const (
	maxKeys   = 40
	maxActors = 7
)

// state is the store and where each program is. Two schedules that lead to the same
// state are the same from there on.
type state struct {
	store [maxKeys]uint8
	at    [maxActors]*node
	// fresh has a bit for each item that the program got: whether its token is
	// still that of the key.
	fresh [maxActors]uint64
	// owed are the promises made before a deleter's first operation.
	owed   [maxActors]uint32
	faults int
	evicts int
	pinned [maxKeys]bool // masters that have been wired to since they were made
}

// errFault is returned by a failing operation.
var errFault = driver.Unavailable("script", driver.OpGet, "", fmt.Errorf("injected"))

func (w *world) key(name string) int {
	id, ok := w.keyIDs[name]
	if !ok {
		if len(w.keys) == maxKeys {
			panic("too many keys")
		}
		id = len(w.keys)
		w.keyIDs[name] = id
		w.keys = append(w.keys, name)
	}
	return id
}

func (w *world) value(v value) uint8 {
	id, ok := w.ids[v]
	if !ok {
		id = uint8(len(w.values))
		if id == 255 {
			panic("too many values")
		}
		w.ids[v] = id
		w.values = append(w.values, v)
	}
	return id
}

// place resolves the keys and the item of a node's request in the store, once.
//
//go:norace
func (w *world) place(n *node) {
	if n.done || n.known {
		return
	}
	n.known = true
	n.key = w.key(n.request.key)
	n.stores = w.value(value{n.request.value, n.request.kind})
	n.held = nil
	for _, k := range n.items {
		n.held = append(n.held, w.key(k))
	}
}

func (w *world) start() state {
	if w.keyIDs == nil {
		w.keyIDs, w.ids = map[string]int{}, map[value]uint8{}
		w.values = make([]value, 1)
		w.probed = map[[maxKeys]uint8]uint32{}
	}
	var s state
	for k, v := range w.before {
		s.store[w.key(k)] = w.value(value{v, driver.Text})
	}
	for k, n := range w.counts {
		s.store[w.key(k)] = w.value(value{strconv.FormatUint(n, 10), driver.Number})
	}
	for i := range w.promises {
		p := &w.promises[i]
		p.key, p.id = w.key(p.item), w.value(value{p.value, driver.Bytes})
	}
	for i, p := range w.programs {
		s.at[i] = p.start(&w.nodes)
		w.place(s.at[i])
	}
	return s
}

// fault says whether an operation fails, and when.
type fault uint8

const (
	works fault = iota
	failsBefore
	failsAfter
	full // of wires: no fault, but the item goes instead
)

var faultNames = [...]string{"", ", fails before it takes effect", ", fails after it took effect", ", is evicted instead of being wired"}

// move is one step of a schedule.
type move struct {
	actor uint8 // or evictor
	fault fault
	key   uint8 // of the evictor
}

// step lets one program do one operation.
//
//go:norace
func (w *world) step(s *state, m move) {
	i := m.actor
	if i == evictor {
		s.evicts++
		w.change(s, int(m.key), 0)
		return
	}
	n := s.at[i]
	if w.isDeleter(i) && n.parent == nil {
		s.owed[i] = w.made(s)
	}
	var a answer
	if m.fault != failsBefore && m.fault != full {
		a = w.apply(s, i, n)
	}
	if m.fault == full {
		a = w.evictUnwired(s, n)
	} else if m.fault != works {
		a = answer{err: errFault}
		s.faults++
	}
	if n.request.op == "getitem" && a.err == nil {
		s.fresh[i] |= 1 << len(n.items)
	}
	s.at[i] = w.program(i).after(n, a, &w.nodes)
	w.place(s.at[i])
}

//go:norace
func (w *world) program(i uint8) *program {
	if int(i) == len(w.programs) {
		return w.probe
	}
	return w.programs[i]
}

//go:norace
func (w *world) isDeleter(i uint8) bool { return int(i) < len(w.programs) && w.deletes[i] }

// apply is the store.
//
//go:norace
func (w *world) apply(s *state, actor uint8, n *node) answer {
	r := &n.request
	k := n.key
	old := s.store[k]
	switch r.op {
	case "get", "getitem":
		if old == 0 {
			return answer{err: driver.ErrMiss}
		}
		return answer{value: w.values[old].text, kind: w.values[old].kind}
	case "store":
		if r.mode == driver.Add && old != 0 || r.mode == driver.Replace && old == 0 {
			return answer{err: driver.ErrNotStored}
		}
		s.pinned[k] = w.evicts > 0 && w.wired(s, k)
		w.change(s, k, n.stores)
		return answer{}
	case "wire":
		return w.addWire(s, n)
	case "remove":
		if old != 0 {
			w.change(s, k, 0)
		}
		return answer{}
	case "delete":
		if old == 0 {
			return answer{err: driver.ErrMiss}
		}
		w.change(s, k, 0)
		return answer{}
	case "count":
		if old == 0 {
			return answer{err: driver.ErrMiss}
		}
		sum, err := strconv.ParseUint(w.values[old].text, 10, 64)
		if err != nil {
			return answer{err: driver.ErrNotNumber}
		}
		sum += r.delta
		w.change(s, k, w.value(value{strconv.FormatUint(sum, 10), w.values[old].kind}))
		return answer{number: sum}
	case "cad":
		bit := uint64(1) << r.handle
		fresh := s.fresh[actor]&bit != 0
		s.fresh[actor] &^= bit
		if old == 0 {
			return answer{err: driver.ErrMiss}
		}
		if !fresh {
			return answer{err: driver.ErrConflict}
		}
		w.change(s, k, 0)
		return answer{}
	}
	panic("unknown operation " + r.op)
}

// change writes to the store and makes the tokens of that key stale.
//
//go:norace
func (w *world) change(s *state, k int, v uint8) {
	s.store[k] = v
	if v == 0 {
		s.pinned[k] = false
	}
	for i, n := range s.at {
		if n == nil || s.fresh[i] == 0 {
			continue
		}
		for h, held := range n.held {
			if held == k {
				s.fresh[i] &^= 1 << h
			}
		}
	}
}

// made are the promises of the adders that have returned.
//
//go:norace
func (w *world) made(s *state) uint32 {
	var bits uint32
	for i := range w.programs {
		if !w.deletes[i] && s.at[i].done {
			bits |= s.at[i].result
		}
	}
	return bits
}

// alive are the promises whose items are in the store.
//
//go:norace
func (w *world) alive(s *state) uint32 {
	var bits uint32
	for i, p := range w.promises {
		if s.store[p.key] == p.id {
			bits |= 1 << i
		}
	}
	return bits
}

// broken says which promise does not hold after a move of actor i, or nothing.
//
//go:norace
func (w *world) broken(s *state, i uint8) string {
	if i == evictor {
		return w.brokenLater(s)
	}
	n := s.at[i]
	if p := w.programs[i]; n.done && n.faulty && p.full != 0 && n.result == p.full {
		return fmt.Sprintf("%s returned, and kept an error to itself", w.names[i])
	}
	if n.done && w.isDeleter(i) {
		if lost := s.owed[i] & n.result & w.alive(s); lost != 0 {
			return fmt.Sprintf("%s returned, and %s survived it", w.names[i], w.items(lost))
		}
	}
	return w.brokenLater(s)
}

// brokenLater says which promise a further Delete would not keep, or nothing.
//
//go:norace
func (w *world) brokenLater(s *state) string {
	if w.probe == nil {
		return ""
	}
	if lost := w.made(s) & w.surviving(s); lost != 0 {
		return fmt.Sprintf("a further delete, run alone after this, leaves %s", w.items(lost))
	}
	return ""
}

// surviving are the promises whose items are left when a Delete of everything runs
// alone from this state. It depends on the store only.
func (w *world) surviving(s *state) uint32 {
	if left, ok := w.probed[s.store]; ok {
		return left
	}
	solo := state{store: s.store}
	me := uint8(len(w.programs))
	solo.at[me] = w.probe.start(&w.nodes)
	w.place(solo.at[me])
	for !solo.at[me].done {
		w.step(&solo, move{actor: me})
	}
	left := w.alive(&solo) & solo.at[me].result
	if solo.at[me].result == 0 {
		panic("the probing delete failed")
	}
	w.probed[s.store] = left
	return left
}

func (w *world) items(bits uint32) string {
	var out []string
	for i, p := range w.promises {
		if bits&(1<<i) != 0 {
			out = append(out, p.item)
		}
	}
	return strings.Join(out, " and ")
}

// moves appends what can happen next.
//
//go:norace
func (w *world) moves(s *state, out []move) []move {
	for i := range w.programs {
		if s.at[i].done {
			continue
		}
		out = append(out, move{actor: uint8(i)})
		if s.evicts < w.evicts && s.at[i].request.op == "wire" {
			out = append(out, move{actor: uint8(i), fault: full})
		}
		if s.faults < w.faults {
			out = append(out, move{actor: uint8(i), fault: failsBefore}, move{actor: uint8(i), fault: failsAfter})
		}
	}
	return w.evictions(s, out)
}

// encode is the state as a map key. Of a program that has returned only its promises
// matter, and deleters that run the same code are interchangeable.
//
//go:norace
func (w *world) encode(s *state, buf []byte) []byte {
	buf = append(buf[:0], s.store[:]...)
	buf = append(buf, byte(s.faults), byte(s.evicts))
	if w.evicts > 0 {
		for k, pinned := range s.pinned {
			if pinned {
				buf = append(buf, byte(k))
			}
		}
		buf = append(buf, 255)
	}
	from := len(buf)
	for i, p := range w.programs {
		start := len(buf)
		if s.at[i].done {
			if w.deletes[i] {
				buf = append(buf, 0)
			} else {
				buf = append(buf, 0, byte(s.at[i].result))
			}
		} else {
			buf = binary.AppendUvarint(buf, uint64(s.at[i].id)+1)
			buf = binary.AppendUvarint(buf, s.fresh[i])
			buf = binary.AppendUvarint(buf, uint64(s.owed[i]))
		}
		if i > 0 && p == w.programs[i-1] && bytes.Compare(buf[from:start], buf[start:]) > 0 {
			w.swap = append(w.swap[:0], buf[from:start]...)
			n := copy(buf[from:], buf[start:])
			copy(buf[from+n:], w.swap)
		}
		from = start
	}
	return buf
}

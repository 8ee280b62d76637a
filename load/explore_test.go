package load_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/load"
)

// This file explores what processes do to the servers together, at every order of their steps,
// and what may happen meanwhile: items are evicted, servers restart, loads fail, callers give
// up. It runs in one goroutine.

// world is what is explored.
type world struct {
	t         *testing.T
	processes []*process
	before    map[string]string // what is stored at the start
	evictions int               // how many items may be evicted
	restarts  int               // how often all servers may forget everything
	outages   int               // how many operations may fail because of the server
	failures  int               // how many loads may fail
	missing   int               // how many loads may find nothing
	bound     int               // how many states are visited at most; 0: all

	keys   []string
	keyIDs map[string]int
	values []string // what states hold; 0 is absent
	ids    map[string]int16
	nodes  int
}

const (
	maxKeys      = 16
	maxProcesses = 4
	maxActors    = 4 // of one process
	sources      = 2
)

// state is what the servers hold, where each process is, and the source of the data.
type state struct {
	store [maxKeys]int16
	at    [maxProcesses]*node
	// fresh has a bit for each item that the process got: whether its token is still that
	// of the key.
	fresh [maxProcesses]uint64
	data  [sources]uint8 // the version of each source
	told  [sources]uint8 // the version whose invalidation has been completed
	// owed is what a Get may not be older than: told when it began.
	owed [maxProcesses][maxActors][sources]uint8

	evicted, restarted, outages, failures, notFound uint8
}

func (w *world) key(name string) int {
	id, ok := w.keyIDs[name]
	if !ok {
		if len(w.keys) == maxKeys {
			panic(fmt.Sprintf("too many keys: %q and %q", w.keys, name))
		}
		id = len(w.keys)
		w.keyIDs[name] = id
		w.keys = append(w.keys, name)
	}
	return id
}

func (w *world) value(v string) int16 {
	id, ok := w.ids[v]
	if !ok {
		id = int16(len(w.values))
		if id < 0 {
			panic("too many values")
		}
		w.ids[v] = id
		w.values = append(w.values, v)
	}
	return id
}

// place is what a node means to the store, looked up once.
func (w *world) place(n *node) *node {
	if n.known {
		return n
	}
	n.known = true
	for _, r := range n.pending {
		n.keys = append(n.keys, w.key(r.key))
		n.values = append(n.values, w.value(r.value))
	}
	for _, k := range n.items {
		n.held = append(n.held, w.key(k))
	}
	return n
}

func (w *world) start() state {
	if w.keyIDs == nil {
		w.keyIDs, w.ids, w.values = map[string]int{}, map[string]int16{}, []string{""}
	}
	var s state
	for k, v := range w.before {
		s.store[w.key(k)] = w.value(v)
	}
	for i, p := range w.processes {
		s.at[i] = w.place(p.start(w.t, &w.nodes))
	}
	return s
}

// move is one step of a schedule.
type move struct {
	process uint8
	kind    uint8
	index   uint8 // of the actor, of the request in pending, or of the key
	fault   uint8
}

// The kinds of move beside those of event.
const (
	evicts = 100 + iota
	restarts
)

// The faults of a request.
const (
	works = iota
	fails
	findsNothing
	failsBefore
	failsAfter
)

var faultNames = [...]string{"", "", "", " (before it takes effect)", " (after it took effect)"}

var (
	errFault  = errors.New("the database is down")
	errOutage = driver.Unavailable("script", driver.OpGet, "", errors.New("injected"))
)

// moves appends what can happen next.
func (w *world) moves(s *state, out []move) []move {
	for i, p := range w.processes {
		n := s.at[i]
		me := uint8(i)
		if n.started < len(p.actors) {
			out = append(out, move{process: me, kind: starts, index: uint8(n.started)})
		}
		for j, r := range n.pending {
			out = append(out, move{process: me, kind: gets, index: uint8(j)})
			if r.op != "load" && r.op != "render" && r.op != "announce" && int(s.outages) < w.outages {
				out = append(out, move{me, gets, uint8(j), failsBefore})
				if r.op != "get" && r.op != "getitem" {
					out = append(out, move{me, gets, uint8(j), failsAfter})
				}
			}
			if r.op == "load" && int(s.failures) < w.failures {
				out = append(out, move{me, gets, uint8(j), fails})
			}
			if r.op == "load" && int(s.notFound) < w.missing {
				out = append(out, move{me, gets, uint8(j), findsNothing})
			}
		}
		for _, a := range p.cancels {
			if a < n.started && !n.done[a] && n.canceled&(1<<a) == 0 {
				out = append(out, move{process: me, kind: cancels, index: uint8(a)})
			}
		}
		if len(n.pending) == 0 && n.polled < p.polls && slices.Contains(n.done[:n.started], false) {
			out = append(out, move{process: me, kind: polls})
		}
	}
	if int(s.evicted) < w.evictions {
		for k := range w.keys {
			if s.store[k] != 0 {
				out = append(out, move{kind: evicts, index: uint8(k)})
			}
		}
	}
	if int(s.restarted) < w.restarts {
		out = append(out, move{kind: restarts})
	}
	return out
}

// step makes a move, and returns what it broke, or nothing.
func (w *world) step(s *state, m move) (broken string) {
	switch m.kind {
	case evicts:
		w.change(s, int(m.index), 0)
		s.evicted++
		return ""
	case restarts:
		for k := range w.keys {
			w.change(s, k, 0)
		}
		s.restarted++
		return ""
	}
	i := m.process
	p, n := w.processes[i], s.at[i]
	e := event{kind: int(m.kind), actor: int(m.index)}
	if m.kind == starts {
		s.owed[i][m.index] = s.told
	}
	if m.kind == gets {
		e.actor = 0
		e.request = n.pending[m.index]
		if m.fault != failsBefore {
			e.answer = w.apply(s, n, m)
		}
		if m.fault == failsBefore || m.fault == failsAfter {
			s.outages++
			e.answer = answer{err: errOutage}
		}
		if e.gotItem() {
			s.fresh[i] |= 1 << len(n.items)
		}
	}
	next := w.place(p.after(w.t, n, e, &w.nodes))
	s.at[i] = next
	for a := range next.done {
		if !next.done[a] || n.done[a] {
			continue
		}
		if lost := w.returned(s, int(i), a, next.results[a]); lost != "" {
			return lost
		}
		s.owed[i][a] = [sources]uint8{} // of no more interest
	}
	return ""
}

// returned looks at what an actor has returned.
func (w *world) returned(s *state, process, a int, r result) string {
	name := w.processes[process].actors[a].name
	if told, ok := strings.CutPrefix(r.data, "told "); ok {
		source := told[0] - 'a'
		s.told[source] = max(s.told[source], told[1]-'0')
		return ""
	}
	if r.data == "" {
		return ""
	}
	for source, owed := range s.owed[process][a] {
		if got := r.data[2*source+1] - '0'; got < owed {
			return fmt.Sprintf("%s returned %s, although the invalidation of %c%d had been completed before it began",
				name, r.data, 'a'+source, owed)
		}
	}
	return ""
}

// apply is the servers and the source of the data.
func (w *world) apply(s *state, n *node, m move) answer {
	r := &n.pending[m.index]
	k := n.keys[m.index]
	v := n.values[m.index]
	old := s.store[k]
	switch r.op {
	case "load":
		switch m.fault {
		case fails:
			s.failures++
			return answer{err: errFault}
		case findsNothing:
			s.notFound++
			return answer{value: "nothing of " + w.dataOf(s)}
		}
		return answer{value: w.dataOf(s)}
	case "render":
		return answer{}
	case "announce":
		source := r.value[0] - 'a'
		s.data[source]++
		return answer{value: fmt.Sprintf("%c%d", 'a'+source, s.data[source])}
	case "get", "getitem":
		if old == 0 {
			return answer{err: driver.ErrMiss}
		}
		return answer{value: w.values[old]}
	case "getoradd":
		if old != 0 {
			return answer{value: w.values[old]}
		}
		w.change(s, k, v)
		return answer{added: true}
	case "add":
		if old != 0 {
			return answer{err: driver.ErrNotStored}
		}
		w.change(s, k, v)
		return answer{}
	case "set":
		w.change(s, k, v)
		return answer{}
	case "delete":
		if old == 0 {
			return answer{err: driver.ErrMiss}
		}
		w.change(s, k, 0)
		return answer{}
	case "cas", "cad":
		if old == 0 {
			return answer{err: driver.ErrMiss}
		}
		if s.fresh[m.process]&(1<<r.handle) == 0 {
			return answer{err: driver.ErrConflict}
		}
		if r.op == "cad" {
			v = 0
		}
		w.change(s, k, v)
		return answer{}
	}
	panic("unknown operation " + r.op)
}

func (w *world) dataOf(s *state) string {
	return fmt.Sprintf("a%db%d", s.data[0], s.data[1])
}

// change writes to the store and makes the tokens of that key stale.
func (w *world) change(s *state, k int, v int16) {
	s.store[k] = v
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

// encode is the state as a map key.
func (w *world) encode(s *state, buf []byte) []byte {
	buf = buf[:0]
	for _, v := range s.store {
		buf = binary.AppendVarint(buf, int64(v))
	}
	for i := range w.processes {
		n := s.at[i]
		if n.over() {
			buf = append(buf, 0)
			continue
		}
		buf = binary.AppendUvarint(buf, uint64(n.id)+1)
		buf = binary.AppendUvarint(buf, s.fresh[i])
		for a := range w.processes[i].actors {
			buf = append(buf, s.owed[i][a][:]...)
		}
	}
	buf = append(buf, s.data[:]...)
	buf = append(buf, s.told[:]...)
	return append(buf, s.evicted, s.restarted, s.outages, s.failures, s.notFound)
}

// over reports whether the process has nothing left to do.
func (n *node) over() bool {
	return len(n.pending) == 0 && n.started == len(n.done) && !slices.Contains(n.done, false)
}

// explored is what an exploration found.
type explored struct {
	states, ends int
	whole        bool     // every state was visited
	broken       string   // the first broken promise, by the shortest schedule
	schedule     []string // that schedule
}

// explore visits the states that can be reached, nearest first. Of a state that it has seen it
// keeps a hash of 128 bits.
func (w *world) explore() explored {
	type visit struct {
		state state
		id    int32
	}
	first := w.start()
	buf := w.encode(&first, nil)
	seen := map[[2]uint64]struct{}{hash(buf): {}}
	steps := []step{{from: -1}}
	level := []visit{{first, 0}}
	var next []visit
	r := explored{whole: true}
	var moves []move
	for len(level) > 0 {
		for at := range level {
			moves = w.moves(&level[at].state, moves[:0])
			if len(moves) == 0 {
				r.ends++
				if r.broken = w.left(&level[at].state); r.broken != "" {
					return w.found(r, steps, level[at].id)
				}
			}
			for _, m := range moves {
				s := level[at].state
				r.broken = w.step(&s, m)
				if r.broken != "" {
					return w.found(r, append(steps, step{level[at].id, m}), int32(len(steps)))
				}
				buf = w.encode(&s, buf)
				h := hash(buf)
				if _, ok := seen[h]; ok {
					continue
				}
				if w.bound > 0 && len(steps) >= w.bound {
					r.whole = false
					continue
				}
				seen[h] = struct{}{}
				next = append(next, visit{s, int32(len(steps))})
				steps = append(steps, step{level[at].id, m})
			}
		}
		level, next = next, level[:0]
	}
	r.states = len(steps)
	return r
}

// step is how a state was reached.
type step struct {
	from int32
	move move
}

// found tells the schedule that led to a state.
func (w *world) found(r explored, steps []step, id int32) explored {
	var schedule []move
	for i := id; i > 0; i = steps[i].from {
		schedule = append(schedule, steps[i].move)
	}
	slices.Reverse(schedule)
	r.schedule, r.states = w.tell(schedule), len(steps)
	return r
}

// left says what is wrong at the end of a schedule: somebody waits for ever, or a lease is left
// behind although nothing went wrong.
func (w *world) left(s *state) string {
	for i, p := range w.processes {
		n := s.at[i]
		for a, done := range n.done {
			if !done && n.polled < p.polls {
				return p.actors[a].name + " waits for ever"
			}
		}
		if !n.over() {
			return ""
		}
	}
	for k, v := range s.store {
		if s.outages == 0 && load.IsTaken([]byte(w.values[v])) {
			return "a lease is left behind at " + w.keys[k]
		}
	}
	return ""
}

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

func hash(b []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(seeds[0], b), maphash.Bytes(seeds[1], b)}
}

// tell writes a schedule as lines of text.
func (w *world) tell(schedule []move) []string {
	s := w.start()
	var lines []string
	for _, m := range schedule {
		var line string
		p, n := w.processes[m.process], s.at[m.process]
		switch m.kind {
		case evicts:
			line = "-- " + w.keys[m.index] + " is evicted"
		case restarts:
			line = "-- the servers restart, empty"
		case starts:
			line = p.actors[m.index].name + " begins"
		case cancels:
			line = p.actors[m.index].name + " gives up"
		case polls:
			line = fmt.Sprintf("-- time passes in process %d", m.process+1)
		case gets:
			line = fmt.Sprintf("%s: %v", p.actors[n.pending[m.index].actor].name, n.pending[m.index])
		}
		w.step(&s, m)
		after := s.at[m.process]
		if m.kind == gets {
			line += fmt.Sprintf(" -> %v%s", after.via.answer, faultNames[m.fault])
		}
		if m.kind < evicts {
			for a, done := range after.done {
				if done && !n.done[a] {
					line += fmt.Sprintf("   (%s returns %v)", p.actors[a].name, after.results[a])
				}
			}
		}
		lines = append(lines, line)
	}
	return lines
}

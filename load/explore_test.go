package load_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/driver"
)

// This file explores what processes do to the servers together, at every order of their steps,
// and what may happen meanwhile: items are evicted, servers restart, loads fail, callers give
// up. It runs in one goroutine.

// world is the system that is explored.
type world struct {
	t         *testing.T
	processes []*process
	before    map[string]string // what is stored at the start
	evictions int               // how many items may be evicted
	restarts  int               // how often all servers may forget everything
	snapshots int               // how often all servers may go back to what they once held
	strangers int               // how often another program may write to the record of tag a
	outages   int               // how many operations may fail because of the server
	failures  int               // how many loads may fail
	missing   bool              // loads find nothing before source a changes
	told      uint8             // how many invalidations of tag a have been completed at the start
	bound     int               // how many states are visited at most; 0: all
	once      bool              // two loads at once are a loss
	mutual    bool              // two processes that wait for each other are a loss
	lateSet   bool              // the servers store by plain set where they should compare and swap
	rashCad   bool              // the servers delete where they should compare and delete
	deep      bool              // what is broken shows after more than 8,000 states: only with -long

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

// state holds the items of the servers, the position of each process, and the source of the
// data.
type state struct {
	store [maxKeys]int16
	at    [maxProcesses]*node
	// fresh has a bit for each item that the process got: whether its token is still that
	// of the key.
	fresh [maxProcesses]uint64
	data  [sources]uint8 // the version of each source
	told  [sources]uint8 // the version whose invalidation has been completed
	// owed is the oldest version that a Get may return: told when it began.
	owed [maxProcesses][maxActors][sources]uint8

	saved [maxKeys]int16 // the snapshot

	evicted, restarted, outages, failures, written, saves uint8
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

// place resolves the keys and the item of a node in the store, once.
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
	s.data[0], s.told[0] = w.told, w.told
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
	saves
	restores
	writes
)

// The faults of a request.
const (
	works = iota
	fails
	failsBefore
	failsAfter
)

var faultNames = [...]string{"", "", " (before it takes effect)", " (after it took effect)"}

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
		}
		for _, a := range p.cancels {
			if a < n.started && !n.done[a] && n.canceled&(1<<a) == 0 {
				out = append(out, move{process: me, kind: cancels, index: uint8(a)})
			}
		}
		if len(n.pending) == 0 && n.polled < p.polls && (n.busy || slices.Contains(n.done[:n.started], false)) {
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
	switch {
	case w.snapshots > 0 && s.saves == 0:
		out = append(out, move{kind: saves})
	case w.snapshots > 0 && s.saves == 1:
		out = append(out, move{kind: restores})
	}
	if int(s.written) < w.strangers {
		out = append(out, move{kind: writes})
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
	case saves:
		s.saved = s.store
		s.saves++
		return ""
	case restores:
		for k := range w.keys {
			w.change(s, k, s.saved[k])
		}
		s.saved = [maxKeys]int16{}
		s.saves++
		return ""
	case writes:
		w.change(s, w.key("~a"), w.value(foreign))
		s.written++
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
	if w.once && w.loading(s) > 1 {
		return "two load at once"
	}
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
	if len(r.data) != 2*sources || r.data[0] != 'a' {
		return fmt.Sprintf("%s returned %s, which nobody has loaded", name, show(r.data))
	}
	for source, owed := range s.owed[process][a] {
		if got := r.data[2*source+1] - '0'; got < owed {
			return fmt.Sprintf("%s returned %s, although the invalidation of %c%d had been completed before it began",
				name, r.data, 'a'+source, owed)
		}
	}
	return ""
}

// foreign is a value that another program may write to a record.
const foreign = "of another program"

// loading returns how many processes read the data now.
func (w *world) loading(s *state) int {
	n := 0
	for i := range w.processes {
		for _, r := range s.at[i].pending {
			if r.op == "load" || r.op == "render" {
				n++
			}
		}
	}
	return n
}

// encode is the state as a map key.
func (w *world) encode(s *state, buf []byte) []byte {
	buf = buf[:0]
	for _, v := range s.store {
		buf = binary.AppendVarint(buf, int64(v))
	}
	if s.saves == 1 {
		for _, v := range s.saved {
			buf = binary.AppendVarint(buf, int64(v))
		}
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
	return append(buf, s.evicted, s.restarted, s.outages, s.failures, s.written, s.saves)
}

// over reports whether the process has nothing left to do.
func (n *node) over() bool {
	return len(n.pending) == 0 && !n.busy && n.started == len(n.done) && !slices.Contains(n.done, false)
}

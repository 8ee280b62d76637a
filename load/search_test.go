package load_test

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/larder-go/larder/load"
)

// This file visits the states of a world, and tells how it came to one.

// explored is the result of an exploration.
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

// step is the move that led to a state, and the state before.
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

// left says what is wrong at the end of a schedule: somebody waits forever, or a lease is left
// behind although nothing went wrong.
func (w *world) left(s *state) string {
	if w.mutual && w.stuck(s) > 1 {
		return "they wait for each other"
	}
	for i, p := range w.processes {
		n := s.at[i]
		for a, done := range n.done {
			if !done && n.polled < p.polls {
				return p.actors[a].name + " waits forever"
			}
		}
		if !n.over() {
			return ""
		}
	}
	for k, v := range s.store {
		if s.outages == 0 && s.saves < 2 && load.IsTaken([]byte(w.values[v])) {
			return "a lease is left behind at " + w.keys[k]
		}
	}
	return ""
}

// stuck returns how many processes wait, and have waited as long as they may.
func (w *world) stuck(s *state) int {
	n := 0
	for i := range w.processes {
		if slices.Contains(s.at[i].done, false) {
			n++
		}
	}
	return n
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
		case saves:
			line = "-- a snapshot is made"
		case restores:
			line = "-- the snapshot is restored"
		case writes:
			line = "-- another program writes to ~a"
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

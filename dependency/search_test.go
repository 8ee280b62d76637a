package dependency_test

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
)

// result says what an exploration found.
type result struct {
	states, ends int
	broken       string   // the first broken promise, by the shortest schedule
	schedule     []string // that schedule
}

// explore visits every state that can be reached, nearest first.
//
// Of a state that it has seen it keeps a hash of 128 bits. Should two of the states have
// the same, which for 10 million happens once in 10^24 times, one would be skipped.
//
//go:norace
func (w *world) explore() result {
	type step struct {
		from int32
		move move
	}
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
	var r result
	var moves []move
	for len(level) > 0 {
		for at := range level {
			moves = w.moves(&level[at].state, moves[:0])
			if len(moves) == 0 {
				r.ends++
			}
			for _, m := range moves {
				s := level[at].state
				w.step(&s, m)
				if r.broken = w.broken(&s, m.actor); r.broken != "" {
					schedule := []move{m}
					for i := level[at].id; i > 0; i = steps[i].from {
						schedule = append(schedule, steps[i].move)
					}
					slices.Reverse(schedule)
					r.schedule = w.tell(schedule)
					r.states = len(steps)
					return r
				}
				buf = w.encode(&s, buf)
				h := hash(buf)
				if _, ok := seen[h]; ok {
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

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

//go:norace
func hash(b []byte) [2]uint64 {
	return [2]uint64{maphash.Bytes(seeds[0], b), maphash.Bytes(seeds[1], b)}
}

// sample runs random schedules to their ends and returns how many steps they had, and
// what it found.
func (w *world) sample(n int, rnd *rand.Rand) (steps int, r result) {
	first := w.start()
	var moves []move
	for range n {
		s := first
		var schedule []move
		for {
			moves = w.moves(&s, moves[:0])
			if len(moves) == 0 {
				r.ends++
				break
			}
			m := moves[rnd.IntN(len(moves))]
			if rnd.IntN(8) != 0 {
				m.fault = works // or all faults would come at the beginning
			}
			schedule = append(schedule, m)
			w.step(&s, m)
			steps++
			if r.broken = w.broken(&s, m.actor); r.broken != "" {
				r.schedule = w.tell(schedule)
				return steps, r
			}
		}
	}
	return steps, r
}

// tell writes a schedule as lines of text.
func (w *world) tell(schedule []move) []string {
	s := w.start()
	var lines []string
	for _, m := range schedule {
		if m.actor == evictor {
			w.step(&s, m)
			lines = append(lines, fmt.Sprintf("%-10s evicts %s", "the cache", w.keys[m.key]))
			continue
		}
		asked := s.at[m.actor].request
		w.step(&s, m)
		line := fmt.Sprintf("%-10s %s: %v", w.names[m.actor], asked, s.at[m.actor].via)
		line += faultNames[m.fault]
		if s.at[m.actor].done {
			line += "   (returns)"
		}
		lines = append(lines, line)
	}
	return lines
}

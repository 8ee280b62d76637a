package load_test

import (
	"fmt"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/load"
)

// This file applies a request to the servers.

// apply applies a move to the servers and to the source of the data.
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
		}
		if w.missing && s.data[0] == 0 {
			return answer{value: "nothing"}
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
	case "bump": // a tag that is a counter
		if old != 0 {
			w.change(s, k, w.value(load.NextRecord(w.values[old])))
		}
		return answer{}
	case "cas", "cad":
		if w.lateSet && r.op == "cas" {
			w.change(s, k, v)
			return answer{}
		}
		if w.rashCad && r.op == "cad" {
			w.change(s, k, 0)
			return answer{}
		}
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

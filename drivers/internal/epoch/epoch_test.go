package epoch

import (
	"fmt"
	"sync"
	"testing"
)

// rules describes how a client uses a Clock. The wrong ones are controls, whose fault the
// exploration must find.
type rules struct {
	readAfter bool // the epoch is that of the moment after the reply
	noAddress bool // addresses are not told apart
	anyConn   bool // tokens are used over any connection
}

// world is one state of a server that is restarted or moves, and a client with a few
// connections, which reads one token.
type world struct {
	rules
	process int // that listens; each has a number, from 1
	address int
	conns   []conn
	made    []conn // those that have a number, in order: to repeat the calls of Made
	reading int    // the position of the connection over which a read was sent; -1: none
	epoch   Number // of the read, or the token
	token   int    // the process that the token is of; 0: none
	path    []string
}

type conn struct {
	process, address int
	lost             bool // it ended with its process, whether anybody noticed or not
	number           Number
}

// clock returns a Clock that numbered the connections of w.
func (w *world) clock() *Clock {
	c := &Clock{}
	for _, k := range w.made {
		addr := fmt.Sprint(k.address)
		if w.noAddress {
			addr = "same"
		}
		c.Made(addr)
	}
	return c
}

// after returns a copy of w that differs by change.
func (w *world) after(step string, change func(*world)) *world {
	n := *w
	n.conns = append([]conn(nil), w.conns...)
	n.made = append([]conn(nil), w.made...)
	n.path = append(append([]string(nil), w.path...), step)
	change(&n)
	return &n
}

const (
	mostConns     = 3
	mostProcesses = 3
)

// next returns what may happen in w, and reports a use of the token that reaches another
// process than it was read from.
func (w *world) next(fault func(path []string)) []*world {
	var all []*world
	add := func(step string, change func(*world)) { all = append(all, w.after(step, change)) }
	if w.process < mostProcesses {
		add("restart", func(n *world) {
			for i := range n.conns {
				if n.conns[i].process == n.process {
					n.conns[i].lost = true
				}
			}
			n.process++
		})
		add("move", func(n *world) { n.process++; n.address++ })
	}
	if len(w.conns) < mostConns {
		add("connect", func(n *world) { n.conns = append(n.conns, conn{process: n.process, address: n.address}) })
	}
	for i, c := range w.conns {
		if c.number == 0 {
			add(fmt.Sprint("number connection ", i), func(n *world) {
				n.conns[i].number = Number(len(n.made) + 1)
				n.made = append(n.made, n.conns[i])
			})
			continue
		}
		if w.reading < 0 && w.token == 0 {
			add(fmt.Sprint("send a read over connection ", i), func(n *world) {
				n.reading, n.epoch = i, n.clock().Read(c.number)
			})
		}
		if w.reading == i && !c.lost {
			add("the read is done", func(n *world) { n.token = c.process })
		}
		if w.token != 0 && (w.anyConn || w.clock().Allows(w.epoch, c.number)) && !c.lost && c.process != w.token {
			fault(append(w.path, fmt.Sprintf("use the token of process %d over connection %d, to process %d", w.token, i, c.process)))
		}
	}
	if w.readAfter && w.token != 0 && w.reading >= 0 {
		add("note the epoch", func(n *world) {
			n.epoch = n.clock().Read(n.conns[n.reading].number)
			n.reading = -1
		})
	}
	return all
}

// explore visits every state that can be reached. It returns how many there are, and the
// steps to a fault.
func explore(r rules) (states int, fault []string) {
	seen := map[string]bool{}
	level := []*world{{rules: r, process: 1, address: 1, reading: -1}}
	for len(level) > 0 {
		var following []*world
		for _, w := range level {
			for _, n := range w.next(func(path []string) {
				if fault == nil {
					fault = path
				}
			}) {
				key := fmt.Sprint(n.process, n.address, n.conns, n.made, n.reading, n.epoch, n.token)
				if !seen[key] {
					seen[key] = true
					following = append(following, n)
				}
			}
		}
		level = following
	}
	return len(seen), fault
}

// No order of restarts, moves, connections, reads and uses has a token reach another
// process than the one that it was read from. The controls show that the exploration would
// find one.
func TestEveryInterleaving(t *testing.T) {
	states, fault := explore(rules{})
	if fault != nil {
		t.Errorf("a token reaches another process: %q", fault)
	}
	if states < 5_000 {
		t.Errorf("%d states were explored, want many more", states)
	}
	t.Logf("%d states", states)
	for name, r := range map[string]rules{
		"the epoch is noted after the reply":   {readAfter: true},
		"addresses are not told apart":         {noAddress: true},
		"tokens are used over all connections": {anyConn: true},
	} {
		if _, fault := explore(r); fault == nil {
			t.Errorf("%s: the exploration finds no fault", name)
		} else {
			t.Logf("%s: %q", name, fault)
		}
	}
}

func TestClock(t *testing.T) {
	var c Clock
	first, moved := c.Made("a")
	if first == 0 || moved {
		t.Errorf("the first connection: number %d, moved %v", first, moved)
	}
	e := c.Read(first)
	second, _ := c.Made("a")
	if !c.Allows(e, first) || c.Allows(e, second) || c.Allows(e, 0) || c.Allows(0, first) {
		t.Error("what was read before the second connection was made must be usable over the first alone")
	}
	if !c.Allows(c.Read(first), second) {
		t.Error("what was read after the second connection was made must be usable over it")
	}
	third, moved := c.Made("b")
	if !moved || !c.Old(second) || c.Old(third) {
		t.Error("a connection to another address must make the others old")
	}
	for _, n := range []Number{first, second, third} {
		if c.Allows(c.Read(second), n) {
			t.Errorf("what was read over an old connection is usable over connection %d", n)
		}
	}
	if !c.Allows(c.Read(third), third) {
		t.Error("what was read over the new connection must be usable over it")
	}
}

func TestNumbersAreUnique(t *testing.T) {
	var c Clock
	const n = 100
	seen := make([]Number, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { seen[i], _ = c.Made("a") })
	}
	wg.Wait()
	distinct := map[Number]bool{}
	for _, k := range seen {
		distinct[k] = true
	}
	if len(distinct) != n {
		t.Errorf("%d connections have %d numbers", n, len(distinct))
	}
}

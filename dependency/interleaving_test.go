package dependency_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/internal/race"
)

// protocol is a protocol that wires keys: ours, or one that is known to lose some.
type protocol struct {
	add    func(ctx context.Context, c *cache.Cache, master string, keys []string) error
	delete func(ctx context.Context, c *cache.Cache, masters []string) error
}

// scene builds a world of adders and deleters.
type scene struct {
	world
	protocol
	masters map[string][]int // promises by master
}

func newScene(p protocol) *scene {
	return &scene{protocol: p, masters: map[string][]int{}}
}

// ours is the protocol under test.
var ours = protocol{
	add: func(ctx context.Context, c *cache.Cache, master string, keys []string) error {
		d, err := dependency.New(c, ttl)
		if err != nil {
			return err
		}
		if len(keys) == 1 {
			return d.Add(ctx, master, keys[0])
		}
		return d.AddMulti(ctx, master, keys)
	},
	delete: func(ctx context.Context, c *cache.Cache, masters []string) error {
		d, err := dependency.New(c, ttl)
		if err != nil {
			return err
		}
		if len(masters) == 1 {
			return d.Delete(ctx, masters[0])
		}
		return d.DeleteMulti(ctx, masters)
	},
}

// adder sets its items and wires them to master. Adders may share an item: each puts
// its own value there, and promises only that this value goes.
func (sc *scene) adder(name, master string, items ...string) *scene {
	return sc.adderWith(sc.protocol.add, name, master, items...)
}

func (sc *scene) adderWith(add func(context.Context, *cache.Cache, string, []string) error, name, master string, items ...string) *scene {
	sc.names = append(sc.names, name)
	first := len(sc.promises)
	for _, item := range items {
		sc.masters[master] = append(sc.masters[master], len(sc.promises))
		sc.promises = append(sc.promises, promise{item: item, value: "of " + name})
	}
	full := uint32(1)<<len(items) - 1
	sc.programs = append(sc.programs, newProgram(full<<first, func(ctx context.Context, c *cache.Cache) uint32 {
		for _, item := range items {
			if c.Set(ctx, item, []byte("of "+name), ttl) != nil {
				return 0
			}
		}
		err := add(ctx, c, master, items)
		var multi *cache.MultiError
		if err != nil && !errors.As(err, &multi) {
			return 0
		}
		var bits uint32
		for i, item := range items {
			if multi == nil || multi.Errors[item] == nil {
				bits |= 1 << (first + i)
			}
		}
		return bits
	}))
	sc.deletes = append(sc.deletes, false)
	return sc
}

// naiveAdder is a Python program with wheezy.caching: it counts and adds, no more. It
// promises nothing.
func (sc *scene) naiveAdder(name, master, item string) *scene {
	sc.names = append(sc.names, name)
	sc.programs = append(sc.programs, newProgram(0, func(ctx context.Context, c *cache.Cache) uint32 {
		naive.add(ctx, c, master, []string{item})
		return 0
	}))
	sc.deletes = append(sc.deletes, false)
	return sc
}

func (sc *scene) deleter(name string, masters ...string) *scene {
	sc.names = append(sc.names, name)
	p := sc.deleting(masters)
	if last := len(sc.programs) - 1; last >= 0 && sc.deletes[last] {
		p = sc.programs[last]
	}
	sc.programs = append(sc.programs, p)
	sc.deletes = append(sc.deletes, true)
	return sc
}

// deleting is a program that deletes masters and tells for which promises it worked.
func (sc *scene) deleting(masters []string) *program {
	var full uint32
	for _, master := range masters {
		for _, i := range sc.masters[master] {
			full |= 1 << i
		}
	}
	return newProgram(full, func(ctx context.Context, c *cache.Cache) uint32 {
		err := sc.protocol.delete(ctx, c, masters)
		var multi *cache.MultiError
		if err != nil && !errors.As(err, &multi) {
			return 0
		}
		var bits uint32
		for _, master := range masters {
			if multi == nil || multi.Errors[master] == nil {
				for _, i := range sc.masters[master] {
					bits |= 1 << i
				}
			}
		}
		return bits
	})
}

// wired starts with an item that is wired to master already, in slot 1.
func (sc *scene) wired(master, item string) *scene {
	sc.before = map[string]string{item: "old", master + "1": item}
	sc.counts = map[string]uint64{master: 1}
	return sc
}

// lost starts with the slots of a master that the server has dropped.
func (sc *scene) lost(master string, items ...string) *scene {
	sc.before = map[string]string{}
	for i, item := range items {
		sc.before[item] = "old"
		sc.before[fmt.Sprint(master, i+1)] = item
	}
	return sc
}

// ready gives the scene its probe: a delete of every master.
func (sc *scene) ready() *world {
	sc.probe = sc.deleting(slices.Sorted(maps.Keys(sc.masters)))
	return &sc.world
}

func mustHold(t *testing.T, w *world) {
	t.Helper()
	start := time.Now()
	r := w.explore()
	t.Logf("%d states, %d ends, %d places in the code, %v", r.states, r.ends, w.nodes, time.Since(start).Round(time.Millisecond))
	if r.broken != "" {
		t.Fatalf("%s:\n%s", r.broken, strings.Join(r.schedule, "\n"))
	}
	if r.ends == 0 {
		t.Error("no schedule came to its end")
	}
}

// Two adders and two deleters in every order of their operations, without a bound: a
// key whose Add returned before a Delete began does not survive it. From every state
// there is also a third Delete, run alone.
func TestEveryInterleaving(t *testing.T) {
	if race.Enabled && !*long {
		t.Skip(race.Left)
	}
	scenes := map[string]*scene{"empty master": newScene(ours)}
	if *long {
		scenes["existing wire"] = newScene(ours).wired("m", "old")
	}
	for name, sc := range scenes {
		t.Run(name, func(t *testing.T) {
			sc.adder("adder 1", "m", "x").adder("adder 2", "m", "y")
			sc.deleter("deleter 1", "m").deleter("deleter 2", "m")
			mustHold(t, sc.ready())
		})
	}
}

// The same for other companies, each in every order.
func TestEveryInterleavingOfOthers(t *testing.T) {
	for name, sc := range map[string]*scene{
		// The second value goes, if its Add returned; so does the first.
		"two adders of one item": newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "m", "x").deleter("deleter", "m"),
		"one adder again": newScene(ours).
			adder("adder 1", "m", "x").deleter("deleter 1", "m").deleter("deleter 2", "m").deleter("deleter 3", "m"),
		"many keys": newScene(ours).wired("m", "old").
			adder("adder", "m", "x", "y").deleter("deleter 1", "m").deleter("deleter 2", "m"),
		"many masters": newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "n", "y").deleter("deleter", "m", "n"),
		// Python's protocol for wires does no harm to ours.
		"a naive adder": newScene(ours).wired("m", "old").
			adder("adder", "m", "x").naiveAdder("naive adder", "m", "p").deleter("deleter", "m"),
		"a naive adder and two deleters": newScene(ours).
			adder("adder", "m", "x").naiveAdder("naive adder", "m", "p").deleter("deleter 1", "m").deleter("deleter 2", "m"),
		// A server dropped the master and kept the slots.
		"a lost master": newScene(ours).lost("m", "a", "b").
			adder("adder 1", "m", "x").deleter("deleter 1", "m").deleter("deleter 2", "m"),
		// m1 is the first slot of m, and a master itself.
		"masters that share a key": newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "m1", "y").deleter("deleter", "m"),
	} {
		t.Run(name, func(t *testing.T) { mustHold(t, sc.ready()) })
	}
}

// One operation after the other fails, before it took effect or after it. Each call that
// returned nil, and each key that a MultiError does not name, kept its promise, and every
// fault is reported.
func TestEveryFault(t *testing.T) {
	for name, c := range map[string]struct {
		faults int
		scene  *scene
	}{
		"three faults": {3, newScene(ours).wired("m", "old").
			adder("adder", "m", "x").deleter("deleter", "m")},
		"two deleters": {3, newScene(ours).wired("m", "old").
			adder("adder", "m", "x").deleter("deleter 1", "m").deleter("deleter 2", "m")},
		"two adders": {2, newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "m", "y").deleter("deleter", "m")},
		"many keys": {2, newScene(ours).wired("m", "old").
			adder("adder", "m", "x", "y").deleter("deleter", "m")},
		"many masters": {2, newScene(ours).wired("m", "old").
			adder("adder 1", "m", "x").adder("adder 2", "n", "y").deleter("deleter", "m", "n")},
	} {
		t.Run(name, func(t *testing.T) {
			w := c.scene.ready()
			w.faults = c.faults
			mustHold(t, w)
		})
	}
}

// Random schedules of what is too much for every one.
func TestRandomInterleavings(t *testing.T) {
	if race.Enabled && !*long {
		t.Skip(race.Left)
	}
	crowd := func() *scene {
		return newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "m", "y").adder("adder 3", "m", "x").
			deleter("deleter 1", "m").deleter("deleter 2", "m").deleter("deleter 3", "m")
	}
	batches := func() *scene {
		return newScene(ours).
			adder("adder 1", "m", "x", "y").adder("adder 2", "n", "z", "x").adder("adder 3", "m", "z").
			deleter("deleter 1", "m", "n").deleter("deleter 2", "m", "n").deleter("deleter 3", "n")
	}
	for name, c := range map[string]struct {
		samples int
		faults  int
		scene   *scene
	}{
		"three and three":         {20_000, 0, crowd()},
		"three and three, faults": {20_000, 2, crowd()},
		"batches":                 {5_000, 0, batches()},
		"batches, faults":         {5_000, 2, batches()},
		"existing wire":           {5_000, 0, crowd().wired("m", "old")},
		"lost master":             {2_000, 0, crowd().lost("m", "a", "b", "c")},
	} {
		t.Run(name, func(t *testing.T) {
			w := c.scene.ready()
			w.faults = c.faults
			samples := c.samples
			if !*long {
				samples /= 10
			}
			for _, seed := range []uint64{1, 2, uint64(time.Now().UnixNano())} {
				start := time.Now()
				steps, r := w.sample(samples, rand.New(rand.NewPCG(seed, 0)))
				t.Logf("seed %d: %d schedules, %d steps, %d places in the code, %v",
					seed, r.ends, steps, w.nodes, time.Since(start).Round(time.Millisecond))
				if r.broken != "" {
					t.Fatalf("%s:\n%s", r.broken, strings.Join(r.schedule, "\n"))
				}
			}
		})
	}
}

// The explorer must find the losses of protocols that lose.
func TestExplorerFindsTheLoss(t *testing.T) {
	for name, c := range map[string]struct {
		protocol protocol
		probe    bool // whether it takes a third Delete to lose
	}{
		"the naive protocol":          {naive, false},
		"wires without confirmation":  {protocol{add: naive.add, delete: ours.delete}, false},
		"slots that are just deleted": {plainSlots, true},
	} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(c.protocol).adder("adder 1", "m", "x").adder("adder 2", "m", "y")
			w := sc.deleter("deleter 1", "m").deleter("deleter 2", "m").ready()
			if !c.probe {
				w.probe = nil
			}
			r := w.explore()
			if r.broken == "" {
				t.Fatalf("no loss in %d states, want one", r.states)
			}
			t.Logf("found after %d states, the shortest: %s:\n%s", r.states, r.broken, strings.Join(r.schedule, "\n"))
		})
	}
}

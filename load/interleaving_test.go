package load_test

import (
	"flag"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/load"
)

// long explores further: go test -race ./load -args -long
var long = flag.Bool("long", false, "hammer for longer, and explore what takes minutes as well")

// bubble is the time at which bubbles of testing/synctest begin, in Unix milliseconds.
const bubble = 946684800000

const hour = 3600_000

var (
	tagA    = map[string]uint64{"~a": 77}
	recordA = load.Record(77)
)

// due and stale are values that are to be refreshed, and that have expired and were kept.
func due(tags map[string]uint64) string {
	return load.Item("a0b0", bubble-1, bubble+hour, 0, 0, 0, tags)
}

func stale(tags map[string]uint64) string {
	return load.Item("a0b0", 0, bubble-1, bubble+hour, 0, 0, tags)
}

// abandoned is stale, and has the mark of a process that died.
func abandoned(tags map[string]uint64) string {
	return load.Item("a0b0", 0, bubble-1, bubble+hour, 99, bubble-1, tags)
}

func refreshing() load.Config[string] {
	c := config()
	c.RefreshAfter = time.Minute
	return c
}

func keeping() load.Config[string] {
	c := config()
	c.KeepStale = time.Hour
	return c
}

// two is a process with two readers.
func two(c load.Config[string], how how) *process {
	return of(1, c, reader("reader 1", how), reader("reader 2", how))
}

func one(number uint64, name string, how how) *process {
	return of(number, config(), reader(name, how))
}

func tells(number uint64, sources ...string) *process {
	var actors []actor
	for i, source := range sources {
		actors = append(actors, invalidator("invalidator "+string(rune('1'+i)), source))
	}
	return of(number, config(), actors...)
}

func deletes(number uint64, c load.Config[string]) *process {
	return of(number, c, deleter("invalidator"))
}

func (p *process) on(list, tags, also string) *process {
	p.list, p.tags, p.also = list, tags, also
	return p
}

func (p *process) canceling(actors ...int) *process {
	p.cancels = actors
	return p
}

// No Get returns a value that was invalidated before it began, in any order of steps.
func TestInterleavings(t *testing.T) {
	keyTags := config()
	keyTags.KeyTags = true
	remembering := config()
	remembering.NotFoundTTL = time.Hour
	generation2 := config()
	generation2.Generation = 2
	for name, w := range map[string]*world{
		"known tag":         {once: true, processes: []*process{two(config(), known), tells(2, "a")}},
		"tag found":         {once: true, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"two tags":          {once: true, processes: []*process{two(config(), both), tells(2, "a", "b")}},
		"mixed tags":        {once: true, processes: []*process{two(config(), mixed), tells(2, "b")}},
		"two invalidators":  {processes: []*process{two(config(), tagged), tells(2, "a"), tells(3, "a")}},
		"two processes":     {once: true, processes: []*process{two(config(), tagged), one(2, "reader 3", tagged), tells(3, "a")}},
		"by key":            {processes: []*process{two(config(), untagged), deletes(2, config())}},
		"outage":            {outages: 1, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"two outages":       {outages: 2, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"eviction":          {evictions: 1, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"two evictions":     {evictions: 2, processes: []*process{two(config(), known), tells(2, "a")}},
		"restart":           {restarts: 1, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"failed load":       {failures: 1, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"not found":         {missing: true, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"not found, stored": {missing: true, processes: []*process{two(remembering, tagged), tells(2, "a")}},
		"stored by another": {before: records(), processes: []*process{two(config(), both), of(2, config(), writer("writer", ofBoth())), tells(3, "a")}},
		"a record made again": {before: at(ofA()), processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("maker", taggedAt("j"))), tells(2, "a")}},
		"not stored":          {processes: []*process{two(config(), unstored), deletes(2, config())}},
		"canceled":            {processes: []*process{two(config(), tagged).canceling(0), tells(2, "a")}},
		"both canceled":       {processes: []*process{two(config(), tagged).canceling(0, 1), tells(2, "a")}},
		"foreign record":      {strangers: 1, processes: []*process{two(config(), tagged), tells(2, "a")}},
		"refresh":             {before: at(due(tagA)), processes: []*process{two(refreshing(), tagged), tells(2, "a")}},
		"refresh by key":      {before: at(due(nil)), processes: []*process{two(refreshing(), untagged), deletes(2, config())}},
		"refresh fails":       {before: at(due(tagA)), failures: 1, processes: []*process{two(refreshing(), tagged), tells(2, "a")}},
		"abandoned":           {before: at(abandoned(tagA)), processes: []*process{two(keeping(), tagged), tells(2, "a")}},
		"stale":               {before: at(stale(tagA)), failures: 1, processes: []*process{two(keeping(), tagged), tells(2, "a")}},
		"stale by key":        {before: at(stale(nil)), failures: 1, processes: []*process{two(keeping(), untagged), deletes(2, config())}},
		"back to an old list": {before: at(ofA()), told: 1, processes: []*process{two(generation2, tagged)}},
		"many keys":           {mutual: true, processes: []*process{of(1, config(), many("reader 1", "x", "y")), of(2, config(), many("reader 2", "y", "x"))}},
		"near copies": {processes: []*process{
			one(1, "reader 1", known).on("near1:", "far:", ""), one(2, "reader 2", known).on("near2:", "far:", ""),
			tells(3, "a").on("near3:", "far:", "")}},
		"near copies by key": {processes: []*process{
			of(1, keyTags, reader("reader 1", untagged), reader("reader 2", untagged)).on("near1:", "far:", ""),
			deletes(2, keyTags).on("near2:", "far:", "")}},
		"list changes one by one": {processes: []*process{
			one(1, "reader 1", known).on("new:", "", ""), one(2, "reader 2", known).on("new:", "", ""),
			tells(3, "a").on("old:", "", "new:")}},
	} {
		t.Run(name, func(t *testing.T) {
			switch {
			case *long:
				w.bound = 2_000_000
			case race.Enabled:
				t.Log(race.Left)
				w.bound = 200
			default:
				w.bound = 1000
			}
			mustHold(t, w)
		})
	}
}

// at is a cache in which v is at k, and tag a has a record.
func at(v string) map[string]string { return map[string]string{"k": v, "~a": recordA} }

// records are those of tags a and b.
func records() map[string]string { return map[string]string{"~a": recordA, "~b": load.Record(78)} }

// ofA and ofBoth are values with the tags, as they were at the start.
func ofA() string { return load.Item("a0b0", 0, 0, 0, 0, 0, tagA) }
func ofBoth() string {
	return load.Item("a0b0", 0, 0, 0, 0, 0, map[string]uint64{"~a": 77, "~b": 78})
}

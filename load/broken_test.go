package load_test

import (
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/load"
)

func (p *process) with(broken func(asker) asker) *process {
	p.broken = broken
	return p
}

func (p *process) breaking(steps func(*load.Steps)) *process {
	p.steps = steps
	return p
}

// brokenWorlds break a rule of this package, or of what it needs from a cache. The names begin
// with the number of the rule.
func brokenWorlds() map[string]*world {
	return map[string]*world{
		"1: a tag after the data is read": {processes: []*process{two(config(), taggedLate), tells(2, "a")}},
		"1: no tag":                       {processes: []*process{two(config(), untagged), tells(2, "a")}},

		"2: a late plain set":          {lateSet: true, processes: []*process{two(config(), untagged), deletes(2, config())}},
		"2: a lease under another key": {processes: []*process{two(config(), untagged).with(leaseElsewhere), deletes(2, config())}},
		"2: delete, then add": {once: true, before: map[string]string{"k": ofA()}, processes: []*process{
			one(1, "reader 1", tagged).with(deleteThenAdd), one(2, "reader 2", tagged).with(deleteThenAdd)}},

		"3: the load is for everybody":        {processes: []*process{two(config(), tagged).breaking(load.ToEverybody), tells(2, "a")}},
		"3: what was stored is for everybody": {processes: []*process{two(config(), tagged).breaking(load.IfStored), tells(2, "a")}},
		"3: closed after the swap":            {processes: []*process{two(config(), untagged).breaking(load.CloseAfterSwap), deletes(2, config())}},
		"3: tags read before closing":         {processes: []*process{two(config(), tagged).breaking(load.VerifyBeforeClose), tells(2, "a")}},

		"4: a hit is for everybody": {deep: true, before: records(), processes: []*process{
			two(config(), both).breaking(load.HitForWaiters), of(2, config(), writer("writer", ofBoth())), tells(3, "a")}},
		"4: a read is shared": {before: at(ofA()), processes: []*process{two(config(), known).with(sharesReads), tells(2, "a")}},

		"5: the lease is deleted without comparing": {rashCad: true, processes: []*process{two(config(), unstored), deletes(2, config())}},

		"6: not found as an error": {missing: true, processes: []*process{two(config(), tagged).breaking(load.NotFoundAsError), tells(2, "a")}},

		"7: only the tags of the caller": {deep: true, processes: []*process{two(config(), mixed).with(onlyKnown), tells(2, "b")}},
		"7: an absent record matches":    {processes: []*process{two(config(), tagged).with(matches(isMiss)), tells(2, "a")}},
		"7: a foreign record is a version": {strangers: 2, processes: []*process{
			two(config(), tagged).with(foreignIsVersion), tells(2, "a")}},
		"7: versions that count": {deep: true, evictions: 1, before: at1(), processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("maker", taggedAt("j"))).with(counts), tells(2, "a").with(counts)}},
		"7: versions that come back": {before: at1(), processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("maker", taggedAt("j"))).with(reuses), tells(2, "a")}},

		"8: a refresh by plain set": {lateSet: true, before: at(due(nil)), processes: []*process{
			two(refreshing(), untagged), deletes(2, config())}},

		"9: a stale value is for everybody": {deep: true, before: at(stale(tagA)), failures: 1, processes: []*process{
			two(keeping(), tagged).breaking(load.StaleForWaiters), tells(2, "a")}},
		"9: an outage matches": {outages: 1, processes: []*process{two(config(), tagged).with(matches(isOutage)), tells(2, "a")}},

		"10: waiting while leading": {mutual: true, processes: []*process{
			of(1, config(), many("reader 1", "x", "y")).breaking(load.WaitWhileLeading),
			of(2, config(), many("reader 2", "y", "x")).breaking(load.WaitWhileLeading)}},

		"11: near copies without tags": {processes: []*process{
			of(1, config(), reader("reader 1", untagged), reader("reader 2", untagged)).on("near1:", "far:", ""),
			deletes(2, config()).on("near2:", "far:", "")}},

		"12: lists that change one by one": {processes: []*process{two(config(), tagged).on("new:", "", ""), tells(2, "a").on("old:", "", "")}},
		"12: back to an old list":          {before: at(ofA()), told: 1, processes: []*process{two(config(), tagged)}},

		"13: a snapshot": {snapshots: 1, processes: []*process{two(config(), tagged), tells(2, "a")}},

		"14: records and items share keys": {processes: []*process{two(config(), known).with(sharesKeys), tells(2, "a").with(sharesKeys)}},
	}
}

// at1 is a cache with a value at k and the first version of tag a.
func at1() map[string]string {
	return map[string]string{"k": load.Item("a0b0", 0, 0, 0, 0, 0, map[string]uint64{"~a": 1}), "~a": load.Record(1)}
}

// The exploration finds what is lost if a rule is broken.
func TestInterleavingsFind(t *testing.T) {
	if race.Enabled && !*long {
		t.Skip(race.Left)
	}
	for name, w := range brokenWorlds() {
		if w.deep && !*long {
			continue
		}
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			w.t = t
			w.bound = 100_000
			r := w.explore()
			if r.broken == "" {
				t.Errorf("nothing was found in %d states", r.states)
			}
			t.Logf("%d states, %d steps: %s", r.states, len(r.schedule), r.broken)
		})
	}
}

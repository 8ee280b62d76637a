package load

import "slices"

// This file has steps of a job that break a rule. Those who explore must find the loss.

// Steps are the steps that a test may replace.
type Steps = steps

// Break replaces steps of the jobs of a loader by broken ones.
func (l *Loader[V]) Break(how func(*Steps)) { how(&l.core.steps) }

// ToEverybody breaks the third rule: everybody takes whatever the load function returned.
func ToEverybody(s *steps) {
	s.finish = func(j *job, calls []*call, entries []*entry, outcomes []outcome) {
		j.closeAll(calls)
		j.replace(calls, entries, outcomes)
		j.deliverAll(calls, outcomes, func(int, *waiter) bool { return true })
	}
}

// IfStored breaks it less: those who joined late take what was stored, although the tags have
// not been read again.
func IfStored(s *steps) {
	s.finish = func(j *job, calls []*call, entries []*entry, outcomes []outcome) {
		j.closeAll(calls)
		stored := j.replace(calls, entries, outcomes)
		j.deliverAll(calls, outcomes, func(i int, w *waiter) bool { return outcomes[i].err != nil || !w.late || stored[i] })
	}
}

// CloseAfterSwap lets others join until the value is stored, and for one step longer: those
// who explore know no moment between two lines of code.
func CloseAfterSwap(s *steps) {
	s.finish = func(j *job, calls []*call, entries []*entry, outcomes []outcome) {
		stored := j.replace(calls, entries, outcomes)
		_, _ = j.core.cache.Get(j.store, calls[0].key)
		late := j.closeAll(calls)
		verified := j.verify(calls, entries, outcomes, late, stored)
		j.deliverAll(calls, outcomes, func(i int, w *waiter) bool { return outcomes[i].err != nil || !w.late || verified[i] })
	}
}

// VerifyBeforeClose reads the tags a step before others are kept from joining.
func VerifyBeforeClose(s *steps) {
	s.finish = func(j *job, calls []*call, entries []*entry, outcomes []outcome) {
		yes := make([]bool, len(calls))
		for i := range yes {
			yes[i] = true
		}
		verified := j.verify(calls, entries, outcomes, yes, yes)
		_, _ = j.core.cache.Get(j.store, calls[0].key)
		j.closeAll(calls)
		stored := j.replace(calls, entries, outcomes)
		j.deliverAll(calls, outcomes, func(i int, w *waiter) bool {
			return outcomes[i].err != nil || !w.late || verified[i] && stored[i]
		})
	}
}

// HitForWaiters breaks the fourth rule: a value that the job finds in the cache is for all who
// wait.
func HitForWaiters(s *steps) {
	s.found = func(j *job, cl *call, _ int) {
		j.core.mu.Lock()
		defer j.core.mu.Unlock()
		j.core.close(cl)
		j.core.deliver(cl, cl.reading.outcome(), toAll)
	}
}

// NotFoundAsError breaks the sixth rule.
func NotFoundAsError(s *steps) {
	s.finish = func(j *job, calls []*call, entries []*entry, outcomes []outcome) {
		late := j.closeAll(calls)
		stored := j.replace(calls, entries, outcomes)
		verified := j.verify(calls, entries, outcomes, late, stored)
		j.deliverAll(calls, outcomes, func(i int, w *waiter) bool {
			return outcomes[i].err != nil || outcomes[i].notFound || !w.late || verified[i]
		})
	}
}

// StaleForWaiters breaks the ninth rule: the old value is for all who wait if loading fails.
func StaleForWaiters(s *steps) {
	finish := s.finish
	s.finish = func(j *job, calls []*call, entries []*entry, outcomes []outcome) {
		if len(calls) != 1 || outcomes[0].err == nil || !calls[0].marked {
			finish(j, calls, entries, outcomes)
			return
		}
		j.closeAll(calls)
		j.replace(calls, entries, outcomes)
		old := []outcome{calls[0].reading.outcome()}
		j.deliverAll(calls, old, func(int, *waiter) bool { return true })
	}
}

// WaitWhileLeading breaks the tenth rule: the job has leases of keys that it does not load
// before it has those of all.
func WaitWhileLeading(s *steps) {
	s.run = func(j *job) {
		defer j.end()
		owned := j.acquire(j.calls)
		for {
			rest := slices.DeleteFunc(j.wanted(j.calls), func(cl *call) bool { return cl.hasToken })
			if len(rest) == 0 {
				break
			}
			if !j.sleep(pollMost) || !j.look(rest) {
				return
			}
			owned = append(owned, j.acquire(rest)...)
		}
		if len(owned) > 0 {
			j.loadAll(owned)
		}
	}
}

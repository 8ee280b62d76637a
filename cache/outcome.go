package cache

import (
	"context"
	"errors"
	"iter"
)

// An Outcome classifies what became of a key in an operation, or of the whole operation.
// It is for metrics, traces and logs. Outcomes are ordered from the best to the worst.
type Outcome uint8

// The outcomes. From OutcomeError on they are failures.
const (
	OutcomeOK        Outcome = iota + 1 // the operation took effect, and is neither a read nor a store
	OutcomeStored                       // the value was stored
	OutcomeHit                          // the value was in the cache
	OutcomeStale                        // the value was in the cache, and was out of date
	OutcomeMiss                         // the value was not in the cache
	OutcomeAbsent                       // there was nothing to delete, count, touch or swap
	OutcomeNotStored                    // ErrNotStored
	OutcomeConflict                     // ErrConflict

	OutcomeError       // an error other than those below, such as that of a load function
	OutcomeCanceled    // the context of the caller ended first
	OutcomeInvalid     // ErrInvalidKey or ErrInvalidTTL
	OutcomeUnsupported // errors.ErrUnsupported
	OutcomeTooLarge    // ErrTooLarge
	OutcomeNotNumber   // ErrNotNumber
	OutcomeUnreadable  // ErrUnreadable
	OutcomeClosed      // ErrClosed
	OutcomeUnavailable // ErrUnavailable

	outcomeEnd // one more than the last
)

var outcomeNames = [outcomeEnd]string{
	OutcomeOK: "ok", OutcomeStored: "stored", OutcomeHit: "hit", OutcomeStale: "stale", OutcomeMiss: "miss", OutcomeAbsent: "absent",
	OutcomeNotStored: "not_stored", OutcomeConflict: "conflict",
	OutcomeError: "error", OutcomeCanceled: "canceled", OutcomeInvalid: "invalid", OutcomeUnsupported: "unsupported",
	OutcomeTooLarge: "too_large", OutcomeNotNumber: "not_number", OutcomeUnreadable: "unreadable",
	OutcomeClosed: "closed", OutcomeUnavailable: "unavailable",
}

// String returns the name of the outcome in lower case with underscores, such as
// "not_stored". The name of the zero Outcome is "".
func (o Outcome) String() string {
	if o < outcomeEnd {
		return outcomeNames[o]
	}
	return "unknown"
}

// Failed reports whether the outcome is a failure. A miss is not a failure, and neither is
// a condition that did not hold.
func (o Outcome) Failed() bool { return o >= OutcomeError }

// Outcomes returns all outcomes, in their order.
func Outcomes() []Outcome {
	all := make([]Outcome, 0, outcomeEnd-1)
	for o := OutcomeOK; o < outcomeEnd; o++ {
		all = append(all, o)
	}
	return all
}

// Outcome returns the outcome of an operation: the worst of those of its keys. A read of
// many keys is a hit only if it found all of them.
func (r *Result) Outcome(op Op) Outcome {
	switch {
	case r.Failed > 0 || r.Err != nil && r.Affected+r.Misses+r.Rejected == 0:
		return worstFailure(r.Err)
	case r.Rejected > 0:
		return rejection(op)
	case r.Misses > 0:
		return absence(op)
	case r.Stale > 0:
		return OutcomeStale
	case r.Affected > 0:
		return effect(op)
	}
	return OutcomeOK // there was no key
}

// KeyOutcomes returns the outcomes of the keys of an operation, and how many keys had each.
// Every key is counted once.
func (r *Result) KeyOutcomes(op Op) iter.Seq2[Outcome, int] {
	return func(yield func(Outcome, int) bool) {
		_ = (r.Affected == r.Stale || yield(effect(op), r.Affected-r.Stale)) &&
			(r.Stale == 0 || yield(OutcomeStale, r.Stale)) &&
			(r.Misses == 0 || yield(absence(op), r.Misses)) &&
			(r.Rejected == 0 || yield(rejection(op), r.Rejected)) &&
			(r.Failed == 0 || r.eachFailure(yield))
	}
}

// effect returns the outcome of a key for which op took effect.
func effect(op Op) Outcome {
	switch op {
	case OpGet, OpGetMulti, OpGetAndTouch, OpGetItem, OpGetItemMulti, OpLoad, OpLoadMulti:
		return OutcomeHit
	case OpSet, OpSetMulti, OpAdd, OpAddMulti, OpReplace, OpReplaceMulti, OpCompareAndSwap, OpCompareAndSwapMulti:
		return OutcomeStored
	}
	return OutcomeOK
}

// absence returns the outcome of a key that was absent.
func absence(op Op) Outcome {
	if effect(op) == OutcomeHit {
		return OutcomeMiss
	}
	return OutcomeAbsent
}

// rejection returns the outcome of a key for which the condition of op did not hold.
func rejection(op Op) Outcome {
	switch op {
	case OpAdd, OpAddMulti, OpReplace, OpReplaceMulti:
		return OutcomeNotStored
	}
	return OutcomeConflict
}

// worstFailure returns the worst outcome of err, which may be joined from several errors. It
// returns OutcomeError for nil: Failed is not 0, and no error says why.
func worstFailure(err error) Outcome {
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return f.outcome
		}
	}
	return OutcomeError
}

// failures are the errors of failures, from the worst to the best. An outage comes before
// the rest: its cause may be one of them.
var failures = [...]struct {
	err     error
	outcome Outcome
}{
	{ErrUnavailable, OutcomeUnavailable},
	{ErrClosed, OutcomeClosed},
	{ErrUnreadable, OutcomeUnreadable},
	{ErrNotNumber, OutcomeNotNumber},
	{ErrTooLarge, OutcomeTooLarge},
	{errors.ErrUnsupported, OutcomeUnsupported},
	{ErrInvalidTTL, OutcomeInvalid},
	{ErrInvalidKey, OutcomeInvalid},
	{context.DeadlineExceeded, OutcomeCanceled},
	{context.Canceled, OutcomeCanceled},
}

// eachFailure yields the outcomes of the keys that failed. It reports whether yield wants
// more.
func (r *Result) eachFailure(yield func(Outcome, int) bool) bool {
	var counts [outcomeEnd]int
	left := r.Failed
	var m *MultiError
	if errors.As(r.Err, &m) {
		for _, err := range m.Errors {
			if left > 0 && failed(err) {
				counts[worstFailure(err)]++
				left--
			}
		}
		if left > 0 {
			counts[OutcomeError] += left
		}
	} else {
		counts[worstFailure(r.Err)] = left
	}
	for o, n := range counts {
		if n > 0 && !yield(Outcome(o), n) {
			return false
		}
	}
	return true
}

// failed reports whether err counts as Failed in a Result.
func failed(err error) bool {
	var r Result
	r.count(err)
	return r.Failed > 0
}

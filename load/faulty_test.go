package load_test

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/load"
)

// This file has stores that break a rule. Each makes of what asks the servers one that asks
// for something else.

func isRecord(key string) bool { return strings.HasPrefix(key, "~") }

// leaseElsewhere keeps leases under another key than that of their items.
func leaseElsewhere(do asker) asker {
	return func(ctx context.Context, r request) answer {
		switch {
		case r.op == "getoradd" && load.IsLease(r.value):
			if a := do(ctx, request{op: "get", key: r.key}); !errors.Is(a.err, driver.ErrMiss) {
				return do(ctx, request{op: "getitem", key: r.key})
			}
			r.key += "/lease"
			return do(ctx, r)
		case r.op == "cas":
			if a := do(ctx, request{op: "cad", key: r.key + "/lease", handle: r.handle}); a.err != nil {
				return a
			}
			return do(ctx, request{op: "set", key: r.key, value: r.value})
		case r.op == "cad":
			r.key += "/lease"
		}
		return do(ctx, r)
	}
}

// deleteThenAdd replaces what is in the way of a lease by two operations.
func deleteThenAdd(do asker) asker {
	return func(ctx context.Context, r request) answer {
		if r.op != "cas" || !load.IsLease(r.value) {
			return do(ctx, r)
		}
		do(ctx, request{op: "delete", key: r.key})
		return do(ctx, request{op: "add", key: r.key, value: r.value})
	}
}

// counts has versions that count.
func counts(do asker) asker {
	return func(ctx context.Context, r request) answer {
		switch {
		case r.op == "getoradd" && isRecord(r.key):
			r.value = load.Record(1)
		case r.op == "delete" && isRecord(r.key):
			r.op = "bump"
		}
		return do(ctx, r)
	}
}

// reuses has versions that come back.
func reuses(do asker) asker {
	return func(ctx context.Context, r request) answer {
		if r.op == "getoradd" && isRecord(r.key) {
			r.value = load.Record(1)
		}
		return do(ctx, r)
	}
}

// onlyKnown checks the tags that the caller knows, and not those in the header.
func onlyKnown(do asker) asker {
	return func(ctx context.Context, r request) answer {
		a := do(ctx, r)
		if !isRecord(r.key) && a.value != "" && strings.HasPrefix(r.op, "get") {
			a.value = load.Untag(a.value, "~a")
		}
		return a
	}
}

// matches takes a record for unchanged if reading it ends as when says.
func matches(when func(error) bool) func(do asker) asker {
	return func(do asker) asker {
		var mu sync.Mutex
		last := map[string]string{}
		return func(ctx context.Context, r request) answer {
			a := do(ctx, r)
			if !isRecord(r.key) || !strings.HasPrefix(r.op, "get") {
				return a
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case a.added:
				last[r.key] = r.value
			case a.err == nil:
				last[r.key] = a.value
			case r.op == "get" && when(a.err) && last[r.key] != "":
				return answer{value: last[r.key]}
			}
			return a
		}
	}
}

func isMiss(err error) bool   { return errors.Is(err, driver.ErrMiss) }
func isOutage(err error) bool { return err == errOutage }

// foreignIsVersion takes a record of another program for a version.
func foreignIsVersion(do asker) asker {
	return func(ctx context.Context, r request) answer {
		a := do(ctx, r)
		if isRecord(r.key) && a.value == foreign {
			a.value = load.Record(7)
		}
		return a
	}
}

// sharesKeys has the record of tag a at the key of item k.
func sharesKeys(do asker) asker {
	return func(ctx context.Context, r request) answer {
		if r.key == "~a" {
			r.key = "k"
		}
		return do(ctx, r)
	}
}

// sharesReads lets a read take part in one that is under way.
func sharesReads(do asker) asker {
	type read struct {
		done chan struct{}
		answer
	}
	var mu sync.Mutex
	reads := map[string]*read{}
	return func(ctx context.Context, r request) answer {
		if r.op != "get" {
			return do(ctx, r)
		}
		mu.Lock()
		rd, ok := reads[r.key]
		if !ok {
			rd = &read{done: make(chan struct{})}
			reads[r.key] = rd
		}
		mu.Unlock()
		if ok {
			<-rd.done
			do(ctx, request{op: "render", value: "shared"}) // or the two would go on in any order
			return rd.answer
		}
		rd.answer = do(ctx, r)
		do(ctx, request{op: "render", value: "on its way"})
		mu.Lock()
		delete(reads, r.key)
		mu.Unlock()
		close(rd.done)
		return rd.answer
	}
}

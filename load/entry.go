package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// loadFunc loads the values of entries. It returns as many outcomes, in the same order.
type loadFunc func(ctx context.Context, entries []*entry) []outcome

// entry is the part of an Entry that does not depend on the type of the value.
type entry struct {
	core   *core
	key    string
	old    []byte // the encoded value that was there
	hasOld bool

	mu      sync.Mutex
	tags    versions // read before the data that the tags are for
	records []string // the keys of tags, in order
	ttl     time.Duration
	noStore bool
	unknown bool // a tag could not be read
	closed  bool
	err     error // of Entries.Fail
}

// add adds a tag whose version was read.
func (e *entry) add(record string, version uint64) {
	if _, ok := e.tags[record]; !ok {
		e.tags[record] = version
		e.records = append(e.records, record)
	}
}

// giveUp prevents the value from being stored, because a tag is not known.
func (e *entry) giveUp() { e.noStore, e.unknown = true, true }

func (e *entry) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}

// tagAll adds tags to entries, in one operation for all.
func tagAll(ctx context.Context, tags map[*entry][]string) error {
	var c *core
	v := versions{}
	var missing []string
	named := map[*entry][]string{}
	for e, names := range tags {
		c = e.core
		records, err := c.records(names)
		if err != nil {
			e.change(e.giveUp)
			return err
		}
		named[e] = records
		if err := e.begin(records, func(record string) {
			if _, ok := v[record]; !ok {
				v[record] = 0
				missing = append(missing, record)
			}
		}); err != nil {
			return err
		}
	}
	if c == nil || c.discards {
		return nil
	}
	clear(v)
	err := c.ensure(ctx, missing, v)
	for e, records := range named {
		e.note(records, v)
	}
	if done := ctx.Err(); done != nil {
		return done
	}
	// In an outage the value is loaded and not stored.
	if errors.Is(err, cache.ErrUnavailable) || errors.Is(err, cache.ErrClosed) {
		return nil
	}
	return err
}

// begin calls ask for the records that e does not have. It returns an error if there are too
// many.
func (e *entry) begin(records []string, ask func(record string)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return errLate
	}
	n := len(e.records)
	seen := map[string]bool{}
	for _, record := range records {
		if _, ok := e.tags[record]; !ok && !seen[record] {
			seen[record] = true
			n++
			ask(record)
		}
	}
	if n > MaxTags {
		e.giveUp()
		return fmt.Errorf("load: %d tags, at most %d allowed", n, MaxTags)
	}
	return nil
}

// note adds the records that were read.
func (e *entry) note(records []string, v versions) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	for _, record := range records {
		if _, ok := e.tags[record]; ok {
			continue
		}
		if version, ok := v[record]; ok && version != 0 && len(e.records) < MaxTags {
			e.add(record, version)
		} else {
			e.giveUp()
		}
	}
}

// change calls f, unless the load is over.
func (e *entry) change(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		f()
	}
}

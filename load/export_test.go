package load

import (
	"maps"
	"slices"
	"time"
)

// SetRandom replaces the source of versions, of owners and of jitter.
func (l *Loader[V]) SetRandom(random func() uint64) { l.core.random = random }

// SetClock makes the clock of the loader differ from that of the process and of the cache.
func (l *Loader[V]) SetClock(ahead func() time.Duration) {
	l.core.clock = func() int64 { return unixMilli() + ahead().Milliseconds() }
}

// Jobs returns how many jobs are running.
func (l *Loader[V]) Jobs() int {
	l.core.mu.Lock()
	defer l.core.mu.Unlock()
	return l.core.jobs
}

// IsTaken reports whether an item is a lease, or has the mark of somebody who loads it.
func IsTaken(b []byte) bool {
	var h header
	parse(b, &h)
	return h.form == ours && h.mark.owner != 0
}

// IsLease reports whether an item is a lease.
func IsLease(b string) bool {
	var h header
	parse([]byte(b), &h)
	return h.form == ours && h.kind == kindLease
}

// Record returns the record of a tag with that version.
func Record(version uint64) string { return string(encodeRecord(version)) }

// NextRecord returns the record with the version after that of a record.
func NextRecord(record string) string { return Record(decodeRecord([]byte(record)) + 1) }

// Item returns a value as it is stored. It was loaded with the records in tags, is to be
// refreshed at refresh, expires at expires, and is kept until keep: Unix milliseconds.
func Item(payload string, refresh, expires, keep int64, owner uint64, deadline int64, tags map[string]uint64) string {
	h := header{life: life{refresh: refresh, expires: expires, keep: keep}, mark: mark{deadline, owner}, tagCount: len(tags), payload: []byte(payload)}
	for _, record := range slices.Sorted(maps.Keys(tags)) {
		h.tags = appendTag(h.tags, record, tags[record])
	}
	return string(h.encode())
}

// Untag returns an item without the tags whose records are not in keep.
func Untag(item string, keep ...string) string {
	var h header
	if parse([]byte(item), &h); h.form != ours {
		return item
	}
	var tags []byte
	n := 0
	for rest := h.tags; len(rest) > 0; {
		var record []byte
		var version uint64
		record, version, rest = nextTag(rest)
		if slices.Contains(keep, string(record)) {
			tags, n = appendTag(tags, string(record), version), n+1
		}
	}
	h.tags, h.tagCount = tags, n
	return string(h.encode())
}

// Version returns the version of a record, or 0.
func Version(record string) uint64 { return decodeRecord([]byte(record)) }

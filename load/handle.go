package load

import (
	"context"
	"fmt"
	"time"
)

// An Entry lets a load function set the tags and the TTL of the value that it loads. It is
// safe for concurrent use. It must not be used after the function has returned.
type Entry[V any] struct {
	entry  *entry
	loader *Loader[V]
}

// Tag adds cache tags to the value, so that [Loader.Invalidate] of any of them invalidates
// it. Call it before reading the data that the tag is for: then no change of that data is
// missed. Tag returns an error for an invalid tag, for more than [MaxTags] tags, and if ctx
// is done; the value is then not stored. In an outage of the cache Tag returns nil, and the
// value is not stored.
func (e *Entry[V]) Tag(ctx context.Context, tags ...string) error {
	return tagAll(ctx, map[*entry][]string{e.entry: tags})
}

// TTL sets the TTL of this value; 0 means no expiry. A value with a negative TTL is not
// stored.
func (e *Entry[V]) TTL(ttl time.Duration) { e.entry.change(func() { e.entry.ttl = ttl }) }

// NoStore keeps this value, or [ErrNotFound], from being stored.
func (e *Entry[V]) NoStore() { e.entry.change(func() { e.entry.noStore = true }) }

// Key returns the key.
func (e *Entry[V]) Key() string { return e.entry.key }

// Old returns the value that is in the cache but is stale or invalidated, if there is one.
// Use it to ask the source whether the value has changed; if not, return [ErrNotModified].
func (e *Entry[V]) Old() (v V, ok bool) { return e.loader.old(e.entry) }

func (l *Loader[V]) old(e *entry) (v V, ok bool) {
	if !e.hasOld {
		return v, false
	}
	v, err := l.decode(e.old)
	return v, err == nil
}

// Entries are the [Entry] of each key that a load function of many keys was called with.
// They are safe for concurrent use. They must not be used after the function has returned.
// For other keys, methods that return an error return one, and the others do nothing.
type Entries[V any] struct {
	entries map[string]*entry
	loader  *Loader[V]
}

// Tag is [Entry.Tag] for the value of key.
func (e *Entries[V]) Tag(ctx context.Context, key string, tags ...string) error {
	return e.TagMulti(ctx, map[string][]string{key: tags})
}

// TagMulti is Tag for the values of many keys, in one operation.
func (e *Entries[V]) TagMulti(ctx context.Context, tags map[string][]string) error {
	byEntry := make(map[*entry][]string, len(tags))
	for key, names := range tags {
		entry, ok := e.entries[key]
		if !ok {
			return fmt.Errorf("load: key %.40q is not one of those that this load function was called with", key)
		}
		byEntry[entry] = names
	}
	return tagAll(ctx, byEntry)
}

// TTL is [Entry.TTL] for the value of key.
func (e *Entries[V]) TTL(key string, ttl time.Duration) {
	if entry, ok := e.entries[key]; ok {
		entry.change(func() { entry.ttl = ttl })
	}
}

// NoStore is [Entry.NoStore] for the value of key.
func (e *Entries[V]) NoStore(key string) {
	if entry, ok := e.entries[key]; ok {
		entry.change(func() { entry.noStore = true })
	}
}

// Old is [Entry.Old] for the value of key. If it is still current, call Fail with
// [ErrNotModified].
func (e *Entries[V]) Old(key string) (v V, ok bool) {
	entry, ok := e.entries[key]
	if !ok {
		return v, false
	}
	return e.loader.old(entry)
}

// Fail makes err the outcome of key, as if a load function for that key alone had returned
// it. A key that is neither among the returned values nor failed is [ErrNotFound].
func (e *Entries[V]) Fail(key string, err error) {
	if entry, ok := e.entries[key]; ok {
		entry.change(func() { entry.err = err })
	}
}

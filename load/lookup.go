package load

import (
	"context"
	"encoding/binary"
	"strings"
)

// lookup returns the payload of key from a cache in the process, if the value is fresh and
// its tags are current. It leaves all other cases to fill.
//
// It parses the header itself, in one pass, and converts none of the names in it to strings.
func (c *core) lookup(ctx context.Context, key string, tags []string, early float64) (payload []byte, ok bool) {
	if strings.HasPrefix(key, tagPrefix) {
		return nil, false // a record of a tag, and no value
	}
	var b []byte
	var err error
	if c.local != nil {
		b, err = c.local.Lookup(key)
	} else {
		b, err = c.cache.Get(ctx, key)
	}
	if err != nil {
		return nil, false
	}
	if !isOurs(b) {
		return b, true // another program stored it
	}
	if len(b) < fixedSize || b[3] != formatVersion || b[4] != kindValue {
		return nil, false
	}
	count, rest := int(b[6]), b[fixedSize:]
	if b[5] != 0 || c.config.generation != 0 {
		var h header
		if parse(b, &h); h.form != ours || h.generation != c.config.generation || c.age(&h, early) != fresh {
			return nil, false
		}
		rest = rest[partsSize(b[5]):]
	}
	all, versions, matched := rest, uint64(0), 0
	for range count {
		if len(rest) == 0 || len(rest) < 1+int(rest[0])+versionSize {
			return nil, false
		}
		end := 1 + int(rest[0])
		if matched < len(tags) && end == 1+len(tagPrefix)+len(tags[matched]) && string(rest[1+len(tagPrefix):end]) == tags[matched] {
			matched++
		}
		versions = sum(versions, binary.BigEndian.Uint64(rest[end:]))
		rest = rest[end+versionSize:]
	}
	all = all[:len(all)-len(rest)]
	if (matched < len(tags) || len(c.base) > 0 || c.config.keyTags) && !c.hasAll(all, key, tags) {
		return nil, false
	}
	if count > 0 && !c.current.has(versions) && !c.verifyNow(ctx, all, versions) {
		return nil, false
	}
	return rest, true
}

// isOurs reports whether b begins like a header of this package.
func isOurs(b []byte) bool {
	return len(b) >= 3 && b[0] == magic0 && b[1] == magic1 && b[2] == magic2
}

// hasAll reports whether tags include those that the value must have: the tag of the loader,
// that of the key, and those that the caller passed.
func (c *core) hasAll(all []byte, key string, tags []string) bool {
	h := header{tags: all}
	for _, record := range c.base {
		if !h.hasTag("", record) {
			return false
		}
	}
	if c.config.keyTags && !h.hasTag(tagPrefix+keyTagPrefix, key) {
		return false
	}
	for _, tag := range tags {
		if !h.hasTag(tagPrefix, tag) {
			return false
		}
	}
	return true
}

// verifyNow looks up the records of tags, whose versions have that sum, and reports whether
// all are current.
func (c *core) verifyNow(ctx context.Context, tags []byte, versions uint64) bool {
	invalidations := c.current.invalidations.Load()
	for len(tags) > 0 {
		var record []byte
		var version uint64
		record, version, tags = nextTag(tags)
		b, err := c.tags.Get(ctx, string(record))
		if err != nil || version == 0 || decodeRecord(b) != version {
			return false
		}
	}
	c.current.add(versions, invalidations)
	return true
}

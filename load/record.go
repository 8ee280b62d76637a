package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/larder-go/larder/cache"
)

// A tag record is an item under the key of the tag, with tagPrefix before it. It holds a
// random version, is made where it is absent, and is only ever removed, so that a version
// never comes back.
//
//	1  0xFE
//	2  "lt"
//	1  1, the version of the format
//	8  the version of the tag, not 0
const (
	recordMagic = "\xFElt\x01"
	recordSize  = len(recordMagic) + versionSize
)

// tagPrefix comes before a tag in the key of its record, so that an item and a tag may have
// the same name.
const tagPrefix = "~"

// keyTagPrefix and a key make the tag of that key, if Config.KeyTags is set. Other tags must
// not begin with it.
const keyTagPrefix = "~"

// maxRecordKey is the length of the longest key of a record. A header has one byte for it.
const maxRecordKey = 255

// recordOf returns the key of the record of a tag.
func recordOf(tag string) string { return tagPrefix + tag }

// keyRecordOf returns the key of the record of the tag of a key.
func keyRecordOf(key string) string { return tagPrefix + keyTagPrefix + key }

// records returns the keys of the records of tags, or an error that names an invalid tag.
func (c *core) records(tags []string) ([]string, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	records := make([]string, len(tags))
	for i, tag := range tags {
		if err := c.checkTag(tag); err != nil {
			return nil, err
		}
		records[i] = recordOf(tag)
	}
	return records, nil
}

func (c *core) checkTag(tag string) error {
	if tag == "" {
		return fmt.Errorf("load: the tag is empty: %w", cache.ErrInvalidKey)
	}
	if strings.HasPrefix(tag, keyTagPrefix) {
		return fmt.Errorf("load: tag %.40q begins with %q, which is reserved for the tags of keys: %w", tag, keyTagPrefix, cache.ErrInvalidKey)
	}
	record := recordOf(tag)
	if len(record) > maxRecordKey {
		return fmt.Errorf("load: tag %.40q is %d bytes long, at most %d allowed: %w", tag, len(tag), maxRecordKey-len(tagPrefix), cache.ErrInvalidKey)
	}
	if err := c.tags.CheckKey(record); err != nil {
		return fmt.Errorf("load: tag %.40q, which is stored with %q before it: %w", tag, tagPrefix, err)
	}
	return nil
}

// checkKey returns an error if key cannot be loaded.
func (c *core) checkKey(key string) error {
	if strings.HasPrefix(key, tagPrefix) {
		return fmt.Errorf("load: key %.40q begins with %q, as the records of tags do: %w", key, tagPrefix, cache.ErrInvalidKey)
	}
	if !c.config.keyTags {
		return nil
	}
	record := keyRecordOf(key)
	if len(record) > maxRecordKey {
		return fmt.Errorf("load: key %.40q is %d bytes long, at most %d allowed with KeyTags: %w", key, len(key), maxRecordKey-len(tagPrefix)-len(keyTagPrefix), cache.ErrInvalidKey)
	}
	if err := c.tags.CheckKey(record); err != nil {
		return fmt.Errorf("load: key %.40q, whose tag is stored with %q before it: %w", key, tagPrefix+keyTagPrefix, err)
	}
	return nil
}

// encodeRecord returns the content of a record.
func encodeRecord(version uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(recordMagic), version)
}

// decodeRecord returns the version that a record holds, or 0 if the item is not a record.
func decodeRecord(b []byte) uint64 {
	if len(b) != recordSize || string(b[:len(recordMagic)]) != recordMagic {
		return 0
	}
	return binary.BigEndian.Uint64(b[len(recordMagic):])
}

// newVersion returns a random number that is not 0.
func (c *core) newVersion() uint64 {
	for {
		if v := c.random(); v != 0 {
			return v
		}
	}
}

// versions maps the keys of tag records to their versions: 0 if the record is absent or the
// item is not a record. A record that could not be read is not in the map.
type versions map[string]uint64

// readVersions adds the versions of records to v.
func (c *core) readVersions(ctx context.Context, records []string, v versions) error {
	if len(records) == 0 {
		return nil
	}
	values, err := c.tags.GetMulti(ctx, records)
	return v.note(records, values, err)
}

// note adds the records that a GetMulti found to v. It returns an error if the operation
// failed as a whole.
func (v versions) note(records []string, values map[string][]byte, err error) error {
	failed, err := perKey(err)
	if err != nil {
		return err
	}
	for _, record := range records {
		if b, ok := values[record]; ok {
			v[record] = decodeRecord(b)
		} else if err := failed[record]; err == nil || errors.Is(err, cache.ErrUnreadable) || errors.Is(err, cache.ErrInvalidKey) {
			v[record] = 0
		}
	}
	return nil
}

// maxRepairs bounds how often an item that is not a record is replaced before the tag counts
// as unknown.
const maxRepairs = 3

// ensure adds the versions of records to v, and adds absent records to the cache. It replaces
// an item that is not a record. A record that could not be read or added is not in v: a value
// with that tag must not be stored.
func (c *core) ensure(ctx context.Context, records []string, v versions) error {
	for range maxRepairs {
		if len(records) == 0 {
			return nil
		}
		content := make(map[string][]byte, len(records))
		for _, record := range records {
			content[record] = encodeRecord(c.newVersion())
		}
		items, _, err := c.tags.GetOrAddMulti(ctx, content, c.config.recordTTL)
		failed, err := perKey(err)
		if err != nil {
			return err
		}
		records = c.adopt(ctx, records, items, failed, v)
	}
	return nil
}

// adopt adds the versions of records that a GetOrAddMulti returned to v. It removes the items
// that are not records and returns their keys.
func (c *core) adopt(ctx context.Context, records []string, items map[string]cache.Item, failed map[string]error, v versions) (again []string) {
	for _, record := range records {
		it, ok := items[record]
		switch {
		case ok && decodeRecord(it.Value) != 0:
			v[record] = decodeRecord(it.Value)
		case ok:
			// The next attempt shows whether it succeeded.
			_ = c.tags.CompareAndDelete(ctx, it)
			again = append(again, record)
		case errors.Is(failed[record], cache.ErrUnreadable):
			_ = c.tags.Delete(ctx, record)
			again = append(again, record)
		}
	}
	return again
}

// perKey returns the errors of single keys in the error of an operation on many, or the
// error of the operation as a whole.
func perKey(err error) (failed map[string]error, whole error) {
	if err == nil {
		return nil, nil
	}
	var m *cache.MultiError
	if errors.As(err, &m) {
		return m.Errors, nil
	}
	return nil, err
}

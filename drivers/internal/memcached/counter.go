package memcached

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// A driver must look again when the server says that a value is not a number. To tell a
// number of 2^63 and more from a negative one, the server looks for a minus sign, and looks
// beyond the end of the value, at whatever an older item left in the memory behind it
// (safe_strtoull in util.c, as of memcached 1.6.18). Such a number must be counted with
// compare-and-swap, which keeps its TTL only if that was read before, with a meta get.

// ParseCounter parses a counter as the server stores it: decimal digits, padded with spaces
// on the right if it has lost digits.
func ParseCounter(data []byte) (n uint64, ok bool) {
	if len(data) > counterLen {
		return 0, false
	}
	n, err := strconv.ParseUint(string(bytes.TrimRight(data, " ")), 10, 64)
	return n, err == nil
}

// maxCounts bounds how often a counter is found changed between two looks at it.
const maxCounts = 100

var (
	// ErrCountAgain is returned by the second function of Count if another caller
	// changed the counter, so that the server may be able to count it now.
	ErrCountAgain = errors.New("the counter has changed")

	// ErrCountsChanged is returned by Count if the counter keeps changing.
	ErrCountsChanged = fmt.Errorf("the counter changed %d times meanwhile: %w", maxCounts, driver.ErrConflict)
)

// Count counts after native, by which the server counts, has returned driver.ErrNotNumber. It
// calls large, and while that returns ErrCountAgain, native and large again. It returns any
// other result unchanged.
func Count(native, large func() (uint64, error)) (uint64, error) {
	for range maxCounts {
		n, err := large()
		if err != ErrCountAgain {
			return n, err
		}
		if n, err = native(); err != driver.ErrNotNumber {
			return n, err
		}
	}
	return 0, ErrCountsChanged
}

// LargeCounter returns the counter in an item that the server did not take for a number,
// if it is 2^63 or more and is to be counted with compare-and-swap. Otherwise it returns
// driver.ErrNotNumber, ErrCountAgain or ErrNoCAS.
func LargeCounter(data []byte, cas uint64) (uint64, error) {
	n, ok := ParseCounter(data)
	switch {
	case !ok:
		return 0, driver.ErrNotNumber
	case n <= math.MaxInt64:
		return 0, ErrCountAgain
	case cas == 0:
		return 0, ErrNoCAS
	}
	return n, nil
}

// TTLQuery returns the line, with its end, that asks for the TTL of key. It is a command of
// the text protocol since memcached 1.6; no other command returns a TTL.
func TTLQuery(key string) string { return "mg " + key + " t\r\n" }

// ParseTTL parses the reply to a TTLQuery, a line without its end. It returns the TTL with
// which a store keeps that of the item: 0 for no expiry, and for an absent key.
func ParseTTL(line []byte) (time.Duration, error) {
	if string(line) == "EN" {
		return 0, nil
	}
	digits, ok := bytes.CutPrefix(line, []byte("HD t"))
	seconds, err := strconv.ParseInt(string(digits), 10, 32)
	if !ok || err != nil || seconds < -1 {
		return 0, fmt.Errorf("unexpected reply to a meta get: %.40q", line)
	}
	if seconds == -1 {
		return 0, nil
	}
	// 0 would be no expiry.
	return time.Duration(max(1, seconds)) * time.Second, nil
}

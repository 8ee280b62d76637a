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

// A driver must look twice when the server says of a value that it is not a number. To
// tell a number of 2^63 and more from a negative one, the server looks for a minus
// sign, and does so beyond the end of the value, in whatever an older item left in the
// memory behind it (safe_strtoull in util.c, as of memcached 1.6.18). Such a number
// must be counted with compare-and-swap, which keeps its TTL only if that was read
// before, with a meta get.

// ParseCounter returns the number that data is, as the server holds it: digits, and
// spaces in the place of those that the counter lost.
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
	// ErrCountAgain says that the counter was changed by somebody else, so that the
	// server may be able to count it now.
	ErrCountAgain = errors.New("the counter has changed")

	// ErrCountsChanged is what [Count] answers when that has no end.
	ErrCountsChanged = fmt.Errorf("the counter changed %d times meanwhile: %w", maxCounts, driver.ErrConflict)
)

// Count has the server count, which is what native does, and has large count where
// native answers driver.ErrNotNumber, until one of them has an answer: large answers
// ErrCountAgain if native is to try again. Other errors are returned as they are.
func Count(native, large func() (uint64, error)) (uint64, error) {
	for range maxCounts {
		n, err := native()
		if err != driver.ErrNotNumber {
			return n, err
		}
		if n, err = large(); err != ErrCountAgain {
			return n, err
		}
	}
	return 0, ErrCountsChanged
}

// LargeCounter returns the counter in an item that the server did not take for a
// number, if it is to be counted with compare-and-swap: if it is 2^63 or more. The
// error is driver.ErrNotNumber, ErrCountAgain or ErrNoCAS.
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

// TTLQuery is the line, with its end, that asks for the TTL of key. It is of the text
// protocol, as of memcached 1.6: no other command tells a TTL.
func TTLQuery(key string) string { return "mg " + key + " t\r\n" }

// ParseTTL reads the answer to a [TTLQuery], a line without its end. It returns the
// TTL that a store is to have for the item to keep its own; 0 is no expiry, and also
// what an absent key gets.
func ParseTTL(line []byte) (time.Duration, error) {
	if string(line) == "EN" {
		return 0, nil
	}
	digits, ok := bytes.CutPrefix(line, []byte("HD t"))
	seconds, err := strconv.ParseInt(string(digits), 10, 32)
	if !ok || err != nil || seconds < -1 {
		return 0, fmt.Errorf("unexpected answer to a meta get: %.40q", line)
	}
	if seconds == -1 {
		return 0, nil
	}
	// One that has just run out is not to become one without end.
	return time.Duration(max(1, seconds)) * time.Second, nil
}

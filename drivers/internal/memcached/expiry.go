// Package memcached is what the drivers for memcached share, whichever protocol and
// client library they use: expiry times, flags and the values of Python programs, and
// server addresses.
package memcached

import (
	"math"
	"time"
)

// maxRelative is the longest expiry, in seconds, that memcached takes as counted from
// now; what is above is a Unix time.
const maxRelative = 30 * 24 * 60 * 60

// ExpiryFromNow is [Expiry] from the present on. It spares a reading of the clock where
// there is no TTL.
func ExpiryFromNow(ttl time.Duration) int32 {
	if ttl <= 0 {
		return 0
	}
	return Expiry(ttl, time.Now())
}

// Expiry returns the expiry time that memcached is to be sent for a TTL that is not
// negative. 0 is no expiry. Other TTLs are rounded up to seconds, so that none becomes
// 0; above 30 days the result is an absolute Unix time, at most the last that a signed
// 32-bit number holds (in 2038).
func Expiry(ttl time.Duration, now time.Time) int32 {
	if ttl <= 0 {
		return 0
	}
	// Not (ttl+time.Second-1)/time.Second, which overflows for the longest TTLs.
	seconds := int64(ttl / time.Second)
	if ttl%time.Second != 0 {
		seconds++
	}
	if seconds <= maxRelative {
		return int32(seconds)
	}
	at := min(now.Unix()+seconds, math.MaxInt32)
	if at <= now.Unix()+maxRelative {
		// Near the end of the numbers, and after it, 30 days from now is
		// later than the last absolute time.
		return maxRelative
	}
	return int32(at)
}

package memcached

import (
	"math"
	"time"
)

// maxRelative is the longest expiry time, in seconds, that memcached counts from now. It
// takes a larger number for a Unix time.
const maxRelative = 30 * 24 * 60 * 60

// ExpiryFromNow is Expiry at the current time. It reads the clock only for a TTL of more than
// 30 days.
func ExpiryFromNow(ttl time.Duration) int32 {
	if ttl <= maxRelative*time.Second {
		return Expiry(ttl, time.Time{})
	}
	return Expiry(ttl, time.Now())
}

// Expiry returns the expiry time to send to memcached for a TTL that is not negative. 0
// means no expiry. Other TTLs are rounded up to seconds, so that none becomes 0. Above 30
// days the result is an absolute Unix time, at most the last one that a signed 32-bit
// number holds (in 2038).
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
		// From 30 days before the last absolute time on, 30 days from now is later.
		return maxRelative
	}
	return int32(at)
}

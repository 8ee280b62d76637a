package memcached

import (
	"math"
	"testing"
	"time"
)

func TestExpiryFromNow(t *testing.T) {
	before := time.Now().Unix()
	const month = 31 * 24 * time.Hour
	got := int64(ExpiryFromNow(month)) - int64(month/time.Second)
	if after := time.Now().Unix(); got < before || got > after {
		t.Errorf("the TTL counts from %d; it is between %d and %d", got, before, after)
	}
	if e := ExpiryFromNow(0); e != 0 {
		t.Errorf("no TTL is sent as %d", e)
	}
	if e := ExpiryFromNow(time.Minute); e != 60 {
		t.Errorf("a minute is sent as %d", e)
	}
}

func TestExpiry(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Unix(1_800_000_000, 999_999_999)
	for _, tt := range []struct {
		ttl  time.Duration
		now  time.Time
		want int32
	}{
		{0, now, 0},
		{1, now, 1},
		{time.Millisecond, now, 1},
		{time.Second, now, 1},
		{time.Second + 1, now, 2},
		{30 * day, now, 2_592_000},
		{30*day - 1, now, 2_592_000},
		{30*day + 1, now, 1_800_000_000 + 2_592_001},
		{31 * day, now, 1_800_000_000 + 31*86_400},
		{100 * 365 * day, now, math.MaxInt32},
		{math.MaxInt64, now, math.MaxInt32},
		{31 * day, time.Unix(math.MaxInt32-86_400, 0), 2_592_000},
		{31 * day, time.Unix(math.MaxInt32+86_400, 0), 2_592_000},
		{math.MaxInt64, time.Unix(math.MaxInt32-2_592_000-1, 0), math.MaxInt32},
	} {
		if got := Expiry(tt.ttl, tt.now); got != tt.want {
			t.Errorf("Expiry(%v) at %d: %d, want %d", tt.ttl, tt.now.Unix(), got, tt.want)
		}
	}
}

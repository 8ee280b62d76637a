package memcached

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

func TestParseCounter(t *testing.T) {
	for data, want := range map[string]uint64{
		"0": 0, "7  ": 7, "0                   ": 0, "9223372036854775808": 1 << 63,
		"18446744073709551615": math.MaxUint64, "9999999999999999999 ": 9999999999999999999, "007": 7,
	} {
		if n, ok := ParseCounter([]byte(data)); !ok || n != want {
			t.Errorf("%q: %d, %v; want %d", data, n, ok, want)
		}
	}
	for _, data := range []string{
		"", " ", "-1", "+1", "1 2", " 1", "1\t", "x", "0x10", "1_0", "18446744073709551616",
		"18446744073709551615 ", strings.Repeat("0", 21),
	} {
		if n, ok := ParseCounter([]byte(data)); ok {
			t.Errorf("%q is the counter %d", data, n)
		}
	}
}

func TestLargeCounter(t *testing.T) {
	const large = "9223372036854775808"
	for _, tt := range []struct {
		data string
		cas  uint64
		want error
	}{
		{large, 1, nil}, {large, 0, ErrNoCAS}, {"9223372036854775807", 1, ErrCountAgain}, {"7", 0, ErrCountAgain}, {"x", 0, driver.ErrNotNumber},
	} {
		n, err := LargeCounter([]byte(tt.data), tt.cas)
		if err != tt.want || err == nil && n != 1<<63 {
			t.Errorf("%s with the id %d: %d, %v; want %v", tt.data, tt.cas, n, err, tt.want)
		}
	}
}

func TestCount(t *testing.T) {
	refused := errors.New("refused")
	for _, tt := range []struct {
		native, large error
		natives       int
		want          error
	}{
		{nil, refused, 0, refused},
		{refused, nil, 0, nil},
		{refused, driver.ErrNotNumber, 0, driver.ErrNotNumber},
		{nil, ErrCountAgain, 1, nil},
		{refused, ErrCountAgain, 1, refused},
		{driver.ErrNotNumber, ErrCountAgain, maxCounts, ErrCountsChanged},
	} {
		natives := 0
		_, err := Count(
			func() (uint64, error) { natives++; return 0, tt.native },
			func() (uint64, error) { return 0, tt.large })
		if err != tt.want || natives != tt.natives {
			t.Errorf("%v, then %v: %v after %d; want %v after %d", tt.native, tt.large, err, natives, tt.want, tt.natives)
		}
	}
	if !errors.Is(ErrCountsChanged, driver.ErrConflict) {
		t.Error("a counter that changes all the time is not a conflict")
	}
}

func TestParseTTL(t *testing.T) {
	for line, want := range map[string]time.Duration{
		"EN": 0, "HD t-1": 0, "HD t0": time.Second, "HD t1": time.Second, "HD t60": time.Minute, "HD t3456000": 40 * 24 * time.Hour,
	} {
		if ttl, err := ParseTTL([]byte(line)); err != nil || ttl != want {
			t.Errorf("%q: %v, %v; want %v", line, ttl, err, want)
		}
	}
	for _, line := range []string{"", "HD", "HD ", "HD t", "HD t-2", "HD tx", "HD t1 x", "HD t99999999999", "VA 1 t60", "ERROR", "CLIENT_ERROR bad command line format", "EN "} {
		if ttl, err := ParseTTL([]byte(line)); err == nil {
			t.Errorf("%q is a TTL of %v", line, ttl)
		}
	}
}

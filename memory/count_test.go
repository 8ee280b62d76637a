package memory

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

func TestCounters(t *testing.T) {
	s := newDriver(Config{})
	for _, c := range []struct {
		value string
		delta uint64
		up    uint64
		down  uint64
		err   error
	}{
		{"9", 1, 10, 9, nil},
		{"99", 1, 100, 99, nil},
		{"0", 0, 0, 0, nil},
		{"007", 1, 8, 7, nil},
		{"18446744073709551615", 1, 0, 0, nil},
		{"18446744073709551615", 2, 1, 0, nil},
		{"18446744073709551616", 1, 0, 0, driver.ErrNotNumber},
		{"99999999999999999999", 1, 0, 0, driver.ErrNotNumber},
		{"", 1, 0, 0, driver.ErrNotNumber},
		{"-1", 1, 0, 0, driver.ErrNotNumber},
		{" 1", 1, 0, 0, driver.ErrNotNumber},
		{"1x", 1, 0, 0, driver.ErrNotNumber},
	} {
		s.mustSet(t, "n", c.value, 0)
		up, err := s.Increment(ctx, "n", c.delta)
		if up != c.up || err != c.err {
			t.Errorf("%q + %d: %d, %v; want %d, %v", c.value, c.delta, up, err, c.up, c.err)
		}
		if err != nil {
			s.wantGet(t, "n", c.value)
			continue
		}
		s.wantGet(t, "n", fmt.Sprint(c.up))
		if down, err := s.Decrement(ctx, "n", c.delta); down != c.down || err != nil {
			t.Errorf("%d - %d: %d, %v; want %d", c.up, c.delta, down, err, c.down)
		}
	}
	if _, err := s.Increment(ctx, "absent", 1); err != driver.ErrMiss {
		t.Errorf("absent: %v", err)
	}
}

func TestKindStays(t *testing.T) {
	s := newDriver(Config{})
	_ = s.Store(ctx, driver.Set, driver.Entry{Key: "k", Value: []byte("7"), Kind: driver.Number})
	_, _ = s.Increment(ctx, "k", 5)
	_ = s.Touch(ctx, "k", time.Hour)
	if item, err := s.GetItem(ctx, "k"); err != nil || item.Kind != driver.Number || string(item.Value) != "12" {
		t.Errorf("GetItem after a count and a touch: %+v, error %v; want the number 12", item, err)
	}
}

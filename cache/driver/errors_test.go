package driver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/larder-go/larder/cache/driver"
)

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	for want, err := range map[string]*driver.Error{
		"d: get: 10.0.0.1:11211: cause": {Driver: "d", Op: driver.OpGet, Server: "10.0.0.1:11211", Err: cause},
		"d: get: cause":                 {Driver: "d", Op: driver.OpGet, Err: cause},
		"get: cause":                    {Op: driver.OpGet, Err: cause},
		"d: cause":                      {Driver: "d", Err: cause},
		"cause":                         {Err: cause},
	} {
		if err.Error() != want {
			t.Errorf("text %q, want %q", err, want)
		}
		if !errors.Is(err, cause) {
			t.Errorf("%q does not unwrap to its cause", err)
		}
	}
}

// The error matches ErrUnavailable and its cause, and not ErrMiss.
func TestUnavailable(t *testing.T) {
	err := error(driver.Unavailable("d", driver.OpGet, "s", fmt.Errorf("dial: %w", os.ErrDeadlineExceeded)))
	for _, want := range []error{driver.ErrUnavailable, os.ErrDeadlineExceeded} {
		if !errors.Is(err, want) {
			t.Errorf("%q is not %q", err, want)
		}
	}
	if errors.Is(err, driver.ErrMiss) {
		t.Errorf("%q is a miss", err)
	}
	if want := "d: get: s: server unavailable: dial: i/o timeout"; err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
	var e *driver.Error
	if !errors.As(err, &e) || e.Driver != "d" || e.Op != driver.OpGet || e.Server != "s" {
		t.Errorf("errors.As finds %+v", e)
	}
}

func TestTimeout(t *testing.T) {
	for _, v := range []struct {
		cause error
		want  bool
	}{
		{os.ErrDeadlineExceeded, true},
		{fmt.Errorf("read: %w", os.ErrDeadlineExceeded), true},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
		{errors.New("refused"), false},
	} {
		if got := driver.Unavailable("d", driver.OpGet, "s", v.cause).Timeout(); got != v.want {
			t.Errorf("Timeout with the cause %q: %v, want %v", v.cause, got, v.want)
		}
	}
}

func TestNames(t *testing.T) {
	for want, got := range map[string]fmt.Stringer{
		"set": driver.Set, "add": driver.Add, "replace": driver.Replace,
		"bytes": driver.Bytes, "text": driver.Text, "number": driver.Number,
	} {
		if got.String() != want {
			t.Errorf("String: %q, want %q", got, want)
		}
	}
	if driver.Mode(9).String() != "unknown" || driver.Kind(9).String() != "unknown" {
		t.Errorf("%v and %v, want unknown", driver.Mode(9), driver.Kind(9))
	}
}

// The zero values are the defaults.
func TestZeroValues(t *testing.T) {
	var e driver.Entry
	var m driver.Mode
	if e.Kind != driver.Bytes || m != driver.Set {
		t.Errorf("the zero kind is %v, the zero mode %v", e.Kind, m)
	}
}

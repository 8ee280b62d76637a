package memcached

import (
	"fmt"

	"github.com/larder-go/larder/cache/driver"
)

// TooLarge returns the error for a value of n bytes that was not sent because it is longer than
// MaxValue, or that the server refused as too large. Its limit is one for whole items, and is
// not known here.
func TooLarge(n int) error {
	if n > MaxValue {
		return fmt.Errorf("a value of %d bytes is longer than the %d that memcached can be set to hold: %w", n, MaxValue, driver.ErrTooLarge)
	}
	return fmt.Errorf("with a value of %d bytes the item is over the limit of the server (memcached -I, 1 MiB by default): %w", n, driver.ErrTooLarge)
}

package ketama

import (
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// refusal returns the error for the status of a reply to command.
func (s *server) refusal(op cache.Op, command wire.Op, st wire.Status) error {
	switch {
	case st == wire.OK:
		return nil
	case st == wire.TooLarge:
		return driver.ErrTooLarge
	case st == wire.NotStored,
		st == wire.Exists && command == wire.Add,
		st == wire.NotFound && command == wire.Replace:
		return driver.ErrNotStored
	case st == wire.NotFound:
		return driver.ErrMiss
	case st == wire.Exists:
		return driver.ErrConflict
	case st == wire.AuthError && command == wire.Flush:
		return s.Fail(op, memcached.ErrFlushDisabled)
	}
	return s.Refused(op, st)
}

// decode is [memcached.Decode] with the error of a server.
func (s *server) decode(op cache.Op, key string, r wire.Reply) ([]byte, driver.Kind, error) {
	v, kind, err := memcached.Decode(r.Value, r.Flags)
	if err != nil {
		return nil, 0, s.Unreadable(op, key, err)
	}
	return v, kind, nil
}

package memcached

import (
	"errors"
	"fmt"
)

// ErrFlushDisabled is returned for a server that was told not to flush.
var ErrFlushDisabled = fmt.Errorf("the server does not allow flush_all (memcached -F): %w", errors.ErrUnsupported)

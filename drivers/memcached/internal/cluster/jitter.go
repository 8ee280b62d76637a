package cluster

import (
	"math/rand/v2"
	"time"
)

// jitter returns a duration between half of d and d, so that programs that lost a server at
// the same time do not come back at the same time.
func jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1))
}

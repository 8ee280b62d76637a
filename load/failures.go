package load

import "time"

// maxFailures bounds the number of errors that are remembered.
const maxFailures = 10_000

// failures are errors of loads that are remembered for a while. All have the same TTL, so
// the oldest ends first.
type failures struct {
	byKey map[string]failure
	order []failure // oldest first
}

type failure struct {
	key   string
	err   error
	until time.Time
}

// add remembers the error of a key for ttl, if ttl is not 0. It must be called with the mutex
// of the core locked.
func (f *failures) add(key string, err error, ttl time.Duration) {
	if ttl == 0 {
		return
	}
	if f.byKey == nil {
		f.byKey = map[string]failure{}
	}
	now := time.Now()
	for len(f.order) > 0 && (len(f.order) >= maxFailures || !now.Before(f.order[0].until)) {
		oldest := f.order[0]
		f.order[0] = failure{} // its memory may be used until the slice is copied
		f.order = f.order[1:]
		if f.byKey[oldest.key].until.Equal(oldest.until) {
			delete(f.byKey, oldest.key)
		}
	}
	e := failure{key, err, now.Add(ttl)}
	f.byKey[key] = e
	f.order = append(f.order, e)
}

// remembered returns the error of a recent load of key, or nil.
func (c *core) remembered(key string) error {
	if c.config.errorTTL == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.failures.byKey[key]; ok && time.Now().Before(e.until) {
		return e.err
	}
	return nil
}

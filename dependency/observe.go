package dependency

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache"
)

// observe reports an operation to the hook of the cache. Its calls to the cache must use
// the context that observe returns.
func (d *Dependency) observe(ctx context.Context, op cache.Op, key string, keys int) (_ context.Context, end func(error)) {
	ctx, finish := d.cache.Observe(ctx, cache.Call{Op: op, Key: key, Keys: keys})
	return ctx, func(err error) {
		r := cache.Result{Affected: keys, Err: err}
		var m *cache.MultiError
		if errors.As(err, &m) {
			r.Failed = min(len(m.Errors), keys)
		} else if err != nil {
			r.Failed = keys
		}
		r.Affected -= r.Failed
		finish(r)
	}
}

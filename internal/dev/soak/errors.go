package soak

import (
	"context"
	"errors"
	"strings"

	"github.com/larder-go/larder/cache"
)

// failed counts an error of a cache. During a fault a server may be unavailable; a
// server with too little memory may refuse to store; anything else is wrong.
func (w *workload) failed(what string, err error) {
	switch {
	case errors.Is(err, cache.ErrUnavailable):
		if w.table.before(w.faultUntil) {
			w.failedAs("unavailable")
		} else {
			w.failedAs("unavailable without a fault")
		}
	case errors.Is(err, context.DeadlineExceeded):
		w.failedAs("deadline exceeded")
	case w.lossy && strings.Contains(err.Error(), "out of memory"):
		w.failedAs("out of memory")
	default:
		w.wrong("%s: %v", what, err)
	}
}

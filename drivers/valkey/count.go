package valkey

import (
	"context"
	"fmt"
	"strconv"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// count runs the script that counts. It is not idempotent.
func (s *store) count(ctx context.Context, op cache.Op, key string, delta uint64, sign string) (uint64, error) {
	defer s.views.drop(key)
	r := request{script: countScript, key: s.key(key)}
	r.arg(strconv.FormatUint(delta, 10))
	r.arg(sign)
	v, err := s.call(ctx, op, r, false)
	if err != nil {
		return 0, err
	}
	if isInteger(v) {
		n, err := integerOf(v)
		switch {
		case err != nil:
			return 0, s.failure(ctx, op, err)
		case n == replyMiss:
			return 0, driver.ErrMiss
		}
		return 0, driver.ErrNotNumber
	}
	digits, err := bytesOf(v)
	if err != nil {
		return 0, s.failure(ctx, op, err)
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return 0, s.failure(ctx, op, fmt.Errorf("invalid reply: %.40q is not a number", digits))
	}
	return n, nil
}

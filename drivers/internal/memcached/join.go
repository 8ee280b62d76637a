package memcached

import "errors"

// Join is errors.Join that leaves an error which is alone as it is.
func Join(errs []error) error {
	var first error
	for _, err := range errs {
		if err == nil {
			continue
		}
		if first != nil {
			return errors.Join(errs...)
		}
		first = err
	}
	return first
}

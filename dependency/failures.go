package dependency

import (
	"errors"

	"github.com/larder-go/larder/cache"
)

// failures maps keys to errors, as in a cache.MultiError.
type failures map[string]error

// add adds the reason of a key that has none yet.
func (f *failures) add(key string, err error) {
	if *f == nil {
		*f = failures{}
	}
	if (*f)[key] == nil {
		(*f)[key] = err
	}
}

// join adds a reason to those of a key.
func (f *failures) join(key string, err error) {
	if old := (*f)[key]; old != nil {
		(*f)[key] = errors.Join(old, err)
		return
	}
	f.add(key, err)
}

// err returns the failures as a MultiError, or nil.
func (f failures) err(op cache.Op) error {
	if len(f) == 0 {
		return nil
	}
	return &cache.MultiError{Op: op, Errors: f}
}

func (f failures) addAll(keys []string, err error) failures {
	for _, key := range keys {
		f.add(key, err)
	}
	return f
}

// reason returns why an operation on many keys failed for one of them: the error that a
// MultiError has for the key, or any other error as a whole.
func reason(err error, key string) error {
	if m, ok := err.(*cache.MultiError); ok {
		return m.Errors[key]
	}
	var m *cache.MultiError
	if errors.As(err, &m) && m.Errors[key] != nil {
		return m.Errors[key]
	}
	return err
}

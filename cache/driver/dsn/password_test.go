package dsn_test

import (
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/driver/dsn"
)

// An error does not repeat a password that has an unescaped question mark after nothing or
// after digits, which could be a port.
func TestQuestionMarkInPassword(t *testing.T) {
	for _, source := range []string{
		"x://user:?secret@host:1?cluster=true",
		"x://user:12?secret@host:1?cluster=true",
		"x://user:12?secret@host:1?cluster=%",
		"x://user:?se=cret@host:1",
	} {
		d, err := dsn.Parse("x", source)
		if err == nil {
			err = d.Done()
		}
		if err == nil || strings.Contains(err.Error(), "se") && strings.Contains(err.Error(), "cret") || !strings.Contains(err.Error(), "%3F") {
			t.Errorf("%s: error %v, want one that names %%3F and not the password", source, err)
		}
	}
}

package dsn_test

import (
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/driver/dsn"
)

// A password with a question mark that is not escaped is an error that does not repeat it, and
// an @ in a parameter is none.
func TestQuestionMarkInPassword(t *testing.T) {
	for _, s := range []string{
		"x://user:SECRET?a=b@host", "x://:pass?SECRET=b@host:1",
		"x://user:SECRET,more?a=b@host", "x://user:a,b:SECRET,1?a=b@host", // like a list of hosts
	} {
		if _, err := dsn.Parse("x", s); err == nil || strings.Contains(err.Error(), "SECRET") || !strings.Contains(err.Error(), "%3F") {
			t.Errorf("Parse of %q: %v; want an error that says how to write it", s, err)
		}
	}
	for _, s := range []string{"x://host:1?a=b@c", "x://host?a=b@c", "x://host:1,host?a=b@c", "x://host:1:2?a=b@c", "x://[::1]?a=b@c", "x:///path?a=b@c"} {
		if _, err := dsn.Parse("x", s); err != nil {
			t.Errorf("Parse of %q: %v", s, err)
		}
	}
}

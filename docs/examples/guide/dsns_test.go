package guide_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
)

// Every DSN in the documents, of a driver that is imported here, is one that the driver
// accepts.
func TestDSNs(t *testing.T) {
	dsn := regexp.MustCompile(`\b(` + strings.Join(cache.Drivers(), "|") + "):(//[^][\\s'\"`|)(]*)")
	opened := 0
	for _, name := range documents {
		for i, line := range linesOf(t, name) {
			for _, found := range dsn.FindAllString(line, -1) {
				found = strings.TrimRight(found, ".,")
				c, err := cache.Open(found)
				if err != nil {
					t.Errorf("%s:%d: %s: %v", name, i+1, found, err)
					continue
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				opened++
			}
		}
	}
	if opened < 20 {
		t.Errorf("%d DSNs were found in the documents", opened)
	}
}

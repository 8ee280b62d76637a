package guide_test

import (
	"testing"

	"github.com/larder-go/larder/null"
)

func TestWithoutCache(t *testing.T) {
	c := null.New(null.Config{})
	defer c.Close()
	for range 2 {
		page, err := pageOf(t.Context(), c, "seven")
		if err != nil || string(page) != "<h1>seven</h1>" {
			t.Errorf("page %q, error %v", page, err)
		}
	}
}

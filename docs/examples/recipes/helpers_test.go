package recipes_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

// open returns an empty cache in memory.
func open() *cache.Cache {
	c, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	return c
}

// inBubble runs f on an empty cache in a bubble of testing/synctest, where sleeping takes
// no time.
func inBubble(t *testing.T, f func(t *testing.T, c *cache.Cache)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := open()
		defer c.Close()
		f(t, c)
	})
}

// check prints an error, which the output of an example then shows.
func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
	}
}

// table is a table of a database that counts its queries.
type table struct {
	mu      sync.Mutex
	rows    map[string]string
	queries int
}

// find returns a row.
func (t *table) find(id string) (row string, found bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queries++
	row, found = t.rows[id]
	return row, found
}

// insert stores a row.
func (t *table) insert(id, row string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string]string{}
	}
	t.rows[id] = row
}

// count returns the number of queries.
func (t *table) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queries
}

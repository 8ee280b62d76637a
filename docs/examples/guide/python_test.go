//go:build unix

package guide_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// greet leaves a text and a number where Python finds them.
func greet(ctx context.Context, c *cache.Cache) error {
	if err := c.WithKind(cache.Text).Set(ctx, "greeting", []byte("grüß dich"), 0); err != nil {
		return err // Python gets a str; without WithKind it would be bytes
	}
	_, err := c.IncrementFrom(ctx, "visits", 1, 0, 0) // an int, without WithKind
	return err
}

// The Python program of the guide, word for word but for the address, finds what Go
// left and Go finds what it left.
func TestPython(t *testing.T) {
	guide, err := os.ReadFile("../../guide.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, ok := strings.Cut(string(guide), "```python\n")
	script, _, closed := strings.Cut(script, "```")
	if !ok || !closed {
		t.Fatal("the guide has no Python program")
	}
	server := memcachedtest.Start(t, "tcp")
	script = strings.ReplaceAll(script, "10.0.0.1:11211", server.Addr())

	c, err := ketama.New(ketama.Config{Servers: []string{server.Addr()}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := greet(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got, want := memcachedtest.Python(t, script), "grüß dich 1\n"; got != want {
		t.Errorf("Python printed %q, want %q", got, want)
	}
	if got, err := c.Get(t.Context(), "answer"); err != nil || string(got) != "ebenso" {
		t.Errorf("Go got %q, %v", got, err)
	}
	if got, err := c.Increment(t.Context(), "visits", 1); err != nil || got != 3 {
		t.Errorf("Go counted %d, %v, want 3", got, err)
	}
}

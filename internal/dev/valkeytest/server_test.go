//go:build unix

package valkeytest

import (
	"testing"
)

// TestServer: servers that the package starts have the options that were asked for.
func TestServer(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, b Binary) {
		for _, network := range []string{"tcp", "unix"} {
			s := Start(t, b, network)
			if got := s.Do("SET", "k", "v"); got != "OK" {
				t.Errorf("SET: %v", got)
			}
			if got := s.Do("GET", "k"); got != "v" {
				t.Errorf("GET: %v", got)
			}
			s.Pause()
			s.Resume()
			s.Restart()
			if got := s.Do("GET", "k"); got != nil {
				t.Errorf("GET after a restart: %v", got)
			}
		}
	})
}

func TestCluster(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, b Binary) {
		c := StartCluster(t, b, 3)
		for _, k := range []string{"a", "b", "c", "d", "e"} {
			if got := c.Servers[c.Owner(k)].Do("SET", k, "v"); got != "OK" {
				t.Errorf("SET of %s: %v", k, got)
			}
		}
		c.Servers[1].Kill()
		c.WaitFailed(1)
		c.Servers[1].Restart()
		c.WaitServed()
	})
}

func TestWatched(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, b Binary) {
		w := StartWatched(t, b)
		w.Servers[0].Kill()
		w.WaitPrimary(1)
		if got := w.Servers[1].Do("SET", "k", "v"); got != "OK" {
			t.Errorf("SET: %v", got)
		}
	})
}

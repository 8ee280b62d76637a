package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// A key takes the same connection each time, so that its requests arrive in their order. Keys
// are spread over all connections.
func TestLane(t *testing.T) {
	cfg := &Config{Dialer: Dialer{Timeout: time.Second}, Conns: 4}
	s := NewServer(memcached.Server{Host: "a", Port: 1, Weight: 1}, cfg)
	defer s.Close()
	used := map[int]bool{}
	for i := range 1000 {
		key := fmt.Sprint("key:", i)
		lane := s.Lane(key)
		used[lane] = true
		for range 3 {
			if again := s.Lane(key); again != lane {
				t.Fatalf("%s takes connection %d, then %d", key, lane, again)
			}
		}
	}
	if len(used) != cfg.Conns {
		t.Errorf("keys take %d of %d connections", len(used), cfg.Conns)
	}
}

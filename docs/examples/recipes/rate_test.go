package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
)

// A Limiter lets each client make a number of requests in a window of time.
type Limiter struct {
	Cache  *cache.Cache
	Limit  uint64
	Window time.Duration
}

// Allow counts a request of who. If it is one too many, Allow returns false and how long
// to wait.
func (l *Limiter) Allow(ctx context.Context, who string) (ok bool, wait time.Duration, err error) {
	key := "rate:" + who
	n, err := l.Cache.IncrementFrom(ctx, key, 1, 0, l.Window)
	if err != nil {
		return false, 0, err
	}
	if n <= l.Limit {
		return true, 0, nil
	}
	item, err := l.Cache.GetItem(ctx, key)
	if errors.Is(err, cache.ErrMiss) {
		return false, 0, nil // the window has just ended
	}
	if err != nil {
		return false, 0, err
	}
	ttl, known := item.TTL()
	if !known {
		ttl = l.Window // the backend cannot tell: no longer than that
	}
	return false, ttl, nil
}

// Limited wraps a handler. In an outage of the cache it lets everybody in.
func (l *Limiter) Limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		ok, wait, err := l.Allow(r.Context(), host)
		if err != nil || ok {
			next.ServeHTTP(w, r)
			return
		}
		seconds := int64((wait + time.Second - 1) / time.Second) // rounded up
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	})
}

func TestLimiter(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cache.Cache) {
		l := &Limiter{Cache: c, Limit: 3, Window: time.Minute}
		hello := l.Limited(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		port := 50000
		ask := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/", nil)
			port++
			r.RemoteAddr = fmt.Sprintf("192.0.2.1:%d", port) // a new connection of the same client
			hello.ServeHTTP(w, r)
			return w
		}
		for i := range 4 {
			want := http.StatusOK
			if i == 3 {
				want = http.StatusTooManyRequests
			}
			w := ask()
			if w.Code != want {
				t.Fatalf("request %d: status %d, want %d", i+1, w.Code, want)
			}
			if i == 3 {
				// 30.5 s of the minute are over.
				if got := w.Header().Get("Retry-After"); got != "30" {
					t.Errorf("Retry-After: %s, want 30", got)
				}
			}
			time.Sleep(10*time.Second + 167*time.Millisecond)
		}
		time.Sleep(20 * time.Second)
		if w := ask(); w.Code != http.StatusOK {
			t.Errorf("in the next minute: status %d", w.Code)
		}
	})
}

// At the border of two windows, twice the limit may come through.
func TestLimiterAtTheBorder(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cache.Cache) {
		l := &Limiter{Cache: c, Limit: 10, Window: time.Minute}
		passed := 0
		for i := range 20 {
			switch i {
			case 1:
				time.Sleep(59 * time.Second)
			case 10:
				time.Sleep(time.Second)
			}
			ok, _, err := l.Allow(t.Context(), "ann")
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && ok {
				passed++
			}
		}
		if passed != 19 {
			t.Errorf("%d requests passed within two seconds, want 19", passed)
		}
	})
}

func TestLimiterInOutage(t *testing.T) {
	c, err := gomemcache.New(gomemcache.Config{Servers: []string{"127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := &Limiter{Cache: c, Limit: 3, Window: time.Minute}
	w := httptest.NewRecorder()
	l.Limited(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d, want that of the handler", w.Code)
	}
}

func Example_rateLimit() {
	c := open()
	defer c.Close()
	l := &Limiter{Cache: c, Limit: 2, Window: time.Minute}
	for range 3 {
		ok, wait, err := l.Allow(context.Background(), "10.0.0.7")
		check(err)
		fmt.Println(ok, wait.Round(time.Second))
	}
	// Output:
	// true 0s
	// true 0s
	// false 1m0s
}

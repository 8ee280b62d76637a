package resolver

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

func TestSRV(t *testing.T) {
	outage := errors.New("no such host")
	var records []*net.SRV
	var err error
	r := SRV{Name: "_memcached._tcp.example.org", lookup: func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		if service != "" || proto != "" || name != "_memcached._tcp.example.org" {
			t.Errorf("asked for %q, %q, %q", service, proto, name)
		}
		return "", records, err
	}}
	// The order in which DNS returns the records, priorities and weights do not count.
	records = []*net.SRV{
		{Target: "c-1.example.org.", Port: 11212, Priority: 1, Weight: 9},
		{Target: "c-0.example.org.", Port: 11211, Priority: 2},
		{Target: "c-0.example.org.", Port: 11211, Priority: 3},
	}
	got, failed := r.Resolve(t.Context())
	if want := []string{"c-0.example.org:11211", "c-1.example.org:11212"}; failed != nil || !slices.Equal(got, want) {
		t.Errorf("Resolve: %q, error %v; want %q", got, failed, want)
	}
	err = outage
	if _, failed := r.Resolve(t.Context()); failed != outage {
		t.Errorf("error %v, want %v", failed, outage)
	}
}

// A list that is older than one before is refused: the nodes of a cluster learn of a change
// one after the other.
func TestOlderList(t *testing.T) {
	var r Config
	for _, tt := range []struct {
		body string
		ok   bool
	}{{"7\na||1\n", true}, {"7\na||1\n", true}, {"6\na||1 b||1\n", false}, {"8\na||1 b||1\n", true}} {
		server, client := net.Pipe()
		go func() {
			defer server.Close()
			question := make([]byte, len("config get cluster\r\n"))
			if _, err := server.Read(question); err != nil {
				return
			}
			_, _ = server.Write([]byte("CONFIG cluster 0 " + strconv.Itoa(len(tt.body)) + "\r\n" + tt.body + "\r\nEND\r\n"))
		}()
		r.Dial = func(context.Context, memcached.Server) (net.Conn, error) { return client, nil }
		r.Endpoints = make([]memcached.Server, 1)
		got, err := r.Resolve(t.Context())
		if (err == nil) != tt.ok {
			t.Errorf("%q: %q, %v", tt.body, got, err)
		}
	}
}

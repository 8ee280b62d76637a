package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
)

// The metrics of the program tell hits from misses, over a real connection.
func TestMetrics(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-goroot", fakeRoot, "-warm=false", "-http", "127.0.0.1:0", "-metrics", "127.0.0.1:0"}, w, os.Stderr)
	}()
	said := bufio.NewReader(r)
	var addresses []string // of the metrics, and of the pages
	for range 2 {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, address, ok := strings.Cut(strings.TrimSpace(line), "http://")
		if !ok {
			t.Fatalf("it said %q", line)
		}
		address, _, _ = strings.Cut(address, ",")
		addresses = append(addresses, "http://"+address)
	}
	fetch := func(url string) string {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d and error %v", url, response.StatusCode, err)
		}
		return string(body)
	}
	for range 3 {
		fetch(addresses[1] + "/pkg/alpha")
	}
	shown := fetch(addresses[1] + "/stats")
	for _, want := range []string{addresses[0], "<td>load</td><td>hit</td><td>2</td>", "<td>load</td><td>miss</td><td>1</td>"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %s on the page of statistics:\n%s", want, shown)
		}
	}
	metrics := fetch(addresses[0])
	for _, want := range []string{`outcome="hit"} 2`, `larder_stored_entries{cache_namespace="",driver="memory"} `} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics:\n%s", want, metrics)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

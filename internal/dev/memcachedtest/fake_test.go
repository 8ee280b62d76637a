package memcachedtest_test

import (
	"io"
	"net"
	"testing"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestFake(t *testing.T) {
	wait := make(chan struct{})
	f := memcachedtest.StartFake(t, func(conn int) []memcachedtest.Step {
		if conn == 0 {
			return []memcachedtest.Step{
				{Expect: "get a\r\n", Reply: "END\r\n", Wait: wait},
				{Reply: "VAL", Close: true},
			}
		}
		return nil
	})
	c, err := net.Dial("tcp", f.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, part := range []string{"get", " a\r\n"} {
		if _, err := io.WriteString(c, part); err != nil {
			t.Fatal(err)
		}
	}
	close(wait)
	reply := make([]byte, 5)
	if _, err := io.ReadFull(c, reply); err != nil || string(reply) != "END\r\n" {
		t.Fatalf("first reply %q, %v", reply, err)
	}
	if _, err := io.WriteString(c, "anything"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c); err != nil || string(rest) != "VAL" {
		t.Fatalf("second reply %q, %v", rest, err)
	}
	silent, err := net.Dial("tcp", f.Addr())
	if err != nil {
		t.Fatal(err)
	}
	memcachedtest.Eventually(t, "two accepted, one open", func() bool { return f.Accepted() == 2 && f.Open() == 1 })
	silent.Close()
	memcachedtest.Eventually(t, "none open", func() bool { return f.Open() == 0 })
}

func TestPython(t *testing.T) {
	got := memcachedtest.Python(t, "import sys, pylibmc, memcache\nprint(sys.argv[1:])", "a b", "c")
	if want := "['a b', 'c']\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

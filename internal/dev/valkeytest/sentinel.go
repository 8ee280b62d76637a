//go:build unix

package valkeytest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// PrimaryName is the name under which the Sentinel knows the primary.
const PrimaryName = "the-primary"

// A Watched is a primary with a replica, both watched by a Sentinel.
type Watched struct {
	t        testing.TB
	Servers  [2]*Server // the first is the primary at the beginning
	Sentinel *Server
}

// StartWatched starts a primary, a replica and a Sentinel that considers a server down
// after half a second.
func StartWatched(t testing.TB, b Binary, args ...string) *Watched {
	t.Helper()
	w := &Watched{t: t}
	args = append([]string{"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}, args...)
	w.Servers[0] = Start(t, b, "tcp", args...)
	host, port, _ := strings.Cut(w.Servers[0].Addr(), ":")
	w.Servers[1] = Start(t, b, "tcp", append(args, "--replicaof", host+" "+port, "--replica-announce-ip", host)...)
	memcachedtest.Eventually(t, "the replica is linked", func() bool {
		info, _ := w.Servers[1].Do("INFO", "replication").(string)
		return strings.Contains(info, "master_link_status:up\r")
	})
	s := &Server{t: t, binary: b, network: "tcp", dir: shortDir(t)}
	conf := filepath.Join(s.dir, "sentinel.conf")
	s.restore = func() {
		own, ownPort, _ := strings.Cut(s.addr, ":")
		text := fmt.Sprintf("bind %s\nport %s\nsentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %[3]s 500\nsentinel failover-timeout %[3]s 3000\n",
			own, ownPort, PrimaryName, host, port)
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.Sentinel = s
	s.sentinel = conf
	start(t, s)
	memcachedtest.Eventually(t, "the Sentinel knows the replica", func() bool {
		list, err := s.try(time.Now().Add(time.Second), []string{"SENTINEL", "REPLICAS", PrimaryName})
		replicas, _ := list.([]any)
		return err == nil && len(replicas) == 1 && strings.Contains(fmt.Sprint(replicas), "master-link-status ok")
	})
	return w
}

// Primary returns the address of the primary, as the Sentinel says.
func (w *Watched) Primary() string {
	w.t.Helper()
	reply, _ := w.Sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PrimaryName).([]any)
	if len(reply) != 2 {
		return ""
	}
	return fmt.Sprint(reply[0], ":", reply[1])
}

// WaitPrimary waits until server i is the primary and can be written.
func (w *Watched) WaitPrimary(i int) {
	w.t.Helper()
	memcachedtest.Eventually(w.t, "the replica is promoted", func() bool {
		info, err := w.Servers[i].Try("INFO", "replication")
		text, _ := info.(string)
		return err == nil && strings.Contains(text, "role:master\r") && w.Primary() == w.Servers[i].Addr()
	})
}

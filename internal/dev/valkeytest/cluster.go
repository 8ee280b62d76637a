//go:build unix

package valkeytest

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// slots is the number of hash slots of a cluster.
const slots = 16384

// A Cluster is a cluster of primaries without replicas.
type Cluster struct {
	t       testing.TB
	Servers []*Server
}

// StartCluster starts a cluster of n primaries, each with its share of the slots, and
// returns when all slots are served. A node is considered failed after 2.5 s, and then
// the others go on serving theirs unless args say otherwise.
func StartCluster(t testing.TB, b Binary, n int, args ...string) *Cluster {
	t.Helper()
	servers := make([]*Server, n)
	for i := range servers {
		servers[i] = Start(t, b, "tcp", clusterArgs(t, args)...)
	}
	return join(t, servers)
}

// JoinCluster makes a cluster of servers on TCP that were started alone. It restarts them.
func JoinCluster(t testing.TB, servers []*Server, args ...string) *Cluster {
	t.Helper()
	for _, s := range servers {
		s.args = clusterArgs(t, args)
		s.Restart()
	}
	return join(t, servers)
}

func clusterArgs(t testing.TB, args []string) []string {
	host, bus, err := net.SplitHostPort(memcachedtest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{
		"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-port", bus,
		"--cluster-node-timeout", "2500", "--cluster-require-full-coverage", "no", "--cluster-announce-ip", host,
	}, args...)
}

// join has the servers meet.
func join(t testing.TB, servers []*Server) *Cluster {
	t.Helper()
	c := &Cluster{t: t, Servers: servers}
	n := len(servers)
	for i, s := range servers {
		s.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		s.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/n), strconv.Itoa((i+1)*slots/n-1))
		if i > 0 {
			host, port, _ := net.SplitHostPort(s.Addr())
			servers[0].Do("CLUSTER", "MEET", host, port, s.args[slices.Index(s.args, "--cluster-port")+1])
		}
	}
	c.WaitServed()
	return c
}

// Addrs returns the addresses of the nodes.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		addrs[i] = s.Addr()
	}
	return addrs
}

// WaitServed waits until every node says that all slots are served.
func (c *Cluster) WaitServed() {
	c.t.Helper()
	for _, s := range c.Servers {
		c.wait(s, "all slots are served", func(info string) bool {
			return strings.Contains(info, "cluster_state:ok\r") && strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r", slots)) &&
				strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", len(c.Servers)))
		})
	}
}

// WaitFailed waits until the others consider node i as failed.
func (c *Cluster) WaitFailed(i int) {
	c.t.Helper()
	for j, s := range c.Servers {
		if j != i {
			c.wait(s, "a node is considered failed", func(info string) bool {
				return strings.Contains(info, "cluster_slots_fail:") && !strings.Contains(info, "cluster_slots_fail:0\r")
			})
		}
	}
}

func (c *Cluster) wait(s *Server, what string, ok func(info string) bool) {
	c.t.Helper()
	memcachedtest.Eventually(c.t, what, func() bool {
		info, err := s.try(time.Now().Add(time.Second), []string{"CLUSTER", "INFO"})
		text, _ := info.(string)
		return err == nil && ok(text)
	})
}

// Owner returns the node that holds key.
func (c *Cluster) Owner(key string) int {
	c.t.Helper()
	slot, _ := c.Servers[0].Do("CLUSTER", "KEYSLOT", key).(int64)
	n := len(c.Servers)
	for i := range n {
		if int(slot) < (i+1)*slots/n {
			return i
		}
	}
	return n - 1
}

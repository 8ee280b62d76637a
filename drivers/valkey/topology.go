package valkey

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"

	"github.com/larder-go/larder/drivers/valkey/internal/guard"
)

// slotCount is the number of hash slots of a cluster.
const slotCount = 16384

// A shard is a range of slots and its primary.
type shard struct {
	addr     string
	from, to int64
	online   bool
}

// primaries returns the servers that hold the data: in a cluster the primaries of all
// slots. It is an error if a slot has none. A node without a client is one that the library
// does not know, since it has failed.
func (l *library) primaries(ctx context.Context) ([]node, error) {
	nodes, err := l.nodes(ctx)
	if err != nil || !l.cluster {
		return nodes, err
	}
	shards, err := ask(ctx, nodes, shardsOf, "CLUSTER", "SLOTS")
	if err != nil {
		return nil, err
	}
	known := map[string]node{}
	for _, n := range nodes {
		known[n.addr] = n
	}
	var list []node
	seen := map[string]bool{}
	covered := int64(0)
	for _, sh := range shards {
		covered += sh.to - sh.from + 1
		if !seen[sh.addr] {
			seen[sh.addr] = true
			list = append(list, node{sh.addr, known[sh.addr].c, l})
		}
	}
	if covered < slotCount {
		return nil, errors.New(strconv.FormatInt(slotCount-covered, 10) + " slots of the cluster have no server")
	}
	return list, nil
}

// shards returns the ranges of slots, and whether their primaries work, as the library sees
// it.
func (l *library) shards(ctx context.Context) ([]shard, error) {
	nodes, err := l.nodes(ctx)
	if err != nil {
		return nil, err
	}
	return ask(ctx, nodes, healthOf, "CLUSTER", "SHARDS")
}

// shardOf returns the one of the shards that has a slot, or the zero shard.
func shardOf(shards []shard, slot int64) shard {
	for _, sh := range shards {
		if sh.from <= slot && slot <= sh.to {
			return sh
		}
	}
	return shard{}
}

// A locator finds the servers of keys for errors that do not name them. It asks the
// cluster once.
type locator struct {
	once   sync.Once
	shards []shard
}

// locate adds the server of key to err, unless err names one.
func (l *locator) locate(ctx context.Context, s *store, key string, err error) error {
	if noServer(err) {
		err = errNoServer
	}
	var g *guard.Error
	if !s.lib.cluster || ctx.Err() != nil || s.closed.Load() || errors.As(err, &g) {
		return err
	}
	l.once.Do(func() { l.shards, _ = s.lib.shards(ctx) }) // an error is one more of those at hand
	if addr := shardOf(l.shards, s.lib.slot(key)).addr; addr != "" {
		return &nodeError{addr, err}
	}
	return err
}

// ask sends a command to all nodes at the same time and returns the first reply that can
// be parsed.
func ask(ctx context.Context, nodes []node, parse func(n node, v value) ([]shard, error), command string, args ...string) ([]shard, error) {
	type answer struct {
		shards []shard
		err    error
	}
	answers := make(chan answer, len(nodes))
	for _, n := range nodes {
		go func() {
			v, err := n.do(ctx, command, args...)
			var a answer
			if a.err = err; err == nil {
				a.shards, a.err = parse(n, v)
			}
			answers <- a
		}()
	}
	err := errors.New("no server of the cluster is known")
	for range nodes {
		a := <-answers
		if a.err == nil {
			return a.shards, nil
		}
		err = a.err
	}
	return nil, err
}

// shardsOf parses the reply to CLUSTER SLOTS: [[from, to, [host, port, ...], ...], ...].
func shardsOf(n node, v value) ([]shard, error) {
	list, err := listOf(v)
	if err != nil {
		return nil, err
	}
	var shards []shard
	for _, v := range list {
		fields, err := listOf(v)
		if err != nil || len(fields) < 3 {
			return nil, errShortReply
		}
		primary, err := listOf(fields[2])
		if err != nil || len(primary) < 2 {
			return nil, errShortReply
		}
		from, err1 := integerOf(fields[0])
		to, err2 := integerOf(fields[1])
		port, err3 := integerOf(primary[1])
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, err
		}
		shards = append(shards, shard{n.addrOf(primary[0], port), from, to, true})
	}
	return shards, nil
}

// addrOf returns the address of a server that n knows by its host and port. A server that
// does not know its own host leaves it out.
func (n node) addrOf(host value, port int64) string {
	b, err := bytesOf(host)
	name := string(b)
	if err != nil || name == "" {
		name, _, _ = net.SplitHostPort(n.addr)
	}
	return net.JoinHostPort(name, strconv.FormatInt(port, 10))
}

// healthOf parses the reply to CLUSTER SHARDS, maps of slots and nodes. A shard has the
// address of its primary, or of a server that was.
func healthOf(n node, v value) ([]shard, error) {
	list, err := listOf(v)
	if err != nil {
		return nil, err
	}
	var shards []shard
	for _, v := range list {
		servers, err := listOf(fieldOf(v, "nodes"))
		if err != nil {
			return nil, err
		}
		var sh shard
		for _, server := range servers {
			role, _ := bytesOf(fieldOf(server, "role"))
			health, _ := bytesOf(fieldOf(server, "health"))
			if string(role) != "master" || sh.online {
				continue
			}
			port, _ := integerOf(fieldOf(server, n.l.portField()))
			sh.addr = n.addrOf(fieldOf(server, "endpoint"), port)
			sh.online = string(health) == "online"
		}
		ranges, err := listOf(fieldOf(v, "slots"))
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(ranges); i += 2 {
			from, err1 := integerOf(ranges[i])
			to, err2 := integerOf(ranges[i+1])
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			shards = append(shards, shard{sh.addr, from, to, sh.online})
		}
	}
	return shards, nil
}

// portField is the field of CLUSTER SHARDS that has the port.
func (l *library) portField() string {
	if l.option.TLSConfig != nil {
		return "tls-port"
	}
	return "port"
}

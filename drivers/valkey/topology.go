package valkey

import (
	"context"
	"errors"
	"net"
	"strconv"
)

// slotCount is the number of hash slots of a cluster.
const slotCount = 16384

// A shard is a range of slots and its primary.
type shard struct {
	addr     string
	from, to int64
}

// primaries returns the servers that hold the data: in a cluster the primaries of all
// slots. It is an error if a slot has none, or if the library does not know one.
func (l *library) primaries(ctx context.Context) ([]node, error) {
	nodes, err := l.nodes(ctx)
	if err != nil || !l.cluster {
		return nodes, err
	}
	shards, err := ask(ctx, nodes, shardsOf, "CLUSTER", "SLOTS")
	if err != nil {
		return nil, err
	}
	byAddr := map[string]node{}
	for _, n := range nodes {
		byAddr[n.addr] = n
	}
	var list []node
	covered := int64(0)
	for _, sh := range shards {
		covered += sh.to - sh.from + 1
		n, ok := byAddr[sh.addr]
		if !ok {
			return nil, errors.New("the server " + sh.addr + " of the cluster has failed")
		}
		if n.c != nil {
			list = append(list, n)
			byAddr[sh.addr] = node{addr: n.addr} // once
		}
	}
	if covered < slotCount {
		return nil, errors.New(strconv.FormatInt(slotCount-covered, 10) + " slots of the cluster have no server")
	}
	return list, nil
}

// served returns which slots have a primary that works, as the library sees it.
func (l *library) served(ctx context.Context) (*[slotCount]bool, error) {
	nodes, err := l.nodes(ctx)
	if err != nil {
		return nil, err
	}
	shards, err := ask(ctx, nodes, healthyOf, "CLUSTER", "SHARDS")
	if err != nil {
		return nil, err
	}
	var served [slotCount]bool
	for _, sh := range shards {
		for i := max(sh.from, 0); i <= min(sh.to, slotCount-1); i++ {
			served[i] = true
		}
	}
	return &served, nil
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
		shards = append(shards, shard{n.addrOf(primary[0], port), from, to})
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

// healthyOf parses the reply to CLUSTER SHARDS. The shards are those that have a primary
// that is online.
func healthyOf(_ node, v value) ([]shard, error) {
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
		online := false
		for _, n := range servers {
			role, _ := bytesOf(fieldOf(n, "role"))
			health, _ := bytesOf(fieldOf(n, "health"))
			online = online || string(role) == "master" && string(health) == "online"
		}
		ranges, err := listOf(fieldOf(v, "slots"))
		if err != nil {
			return nil, err
		}
		for i := 0; online && i+1 < len(ranges); i += 2 {
			from, err1 := integerOf(ranges[i])
			to, err2 := integerOf(ranges[i+1])
			if err := errors.Join(err1, err2); err != nil {
				return nil, err
			}
			shards = append(shards, shard{from: from, to: to})
		}
	}
	return shards, nil
}

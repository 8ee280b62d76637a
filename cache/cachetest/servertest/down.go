package servertest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

var downCases = []test{
	{
		name: "down/every operation",
		rule: "on a server that is down, every operation is ErrUnavailable, names driver, operation and server, and ends in time; opening a cache on it works",
		run:  downEvery,
	},
	{
		name: "down/starts later",
		rule: "a cache that was opened while its server was down works as soon as the server does",
		run:  downStartsLater,
	},
	{
		name: "down/all servers are named",
		rule: "Ping and Flush try every server and name each one that is down",
		run:  downNamed,
	},
}

func downEvery(s *suite) {
	server, c := s.one(s.patient)
	server.Kill()
	each(c, func(k call) {
		start := time.Now()
		s.outage(c, k.do(context.Background(), c, "k"), server.Addr(), "%v", k.op)
		s.within(start, 0, "%v", k.op)
	})
}

func downStartsLater(s *suite) {
	server := s.start()
	server.Kill()
	c := s.open(Config{Servers: []string{server.Addr()}})
	ctx := context.Background()
	s.outage(c, c.Set(ctx, "k", valueOf("k"), 0), server.Addr(), "Set while the server is down")
	server.Restart()
	s.eventually(func() bool { return c.Set(ctx, "k", valueOf("k"), 0) == nil }, "Set succeeds on a server that has started")
	each(c, func(k call) {
		if err := k.do(ctx, c, "k"); !k.possible(err) {
			s.errorf("%v after the server has started: error %v", k.op, err)
		}
	})
}

func downNamed(s *suite) {
	servers, addrs := s.startN(3)
	c := s.open(Config{Servers: addrs})
	ctx := context.Background()
	s.none(c.Ping(ctx), "Ping while all servers work")
	servers[0].Kill()
	s.outage(c, c.Ping(ctx), addrs[0], "Ping with one server of three down")
	s.outage(c, c.Flush(ctx), addrs[0], "Flush with one server of three down")
	servers[2].Kill()
	for what, err := range map[string]error{"Ping": c.Ping(ctx), "Flush": c.Flush(ctx)} {
		if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), addrs[0]) || !strings.Contains(err.Error(), addrs[2]) {
			s.errorf("%s with two servers of three down: error %v, want one that names %s and %s", what, err, addrs[0], addrs[2])
		}
	}
}

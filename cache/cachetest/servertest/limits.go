package servertest

import (
	"context"
	"sync"
)

var limitCases = []test{
	{
		name: "limit/connections",
		rule: "if a server rejects further connections, calls are ErrUnavailable, and calls work once fewer are made at the same time",
		run:  limitConnections,
		needs: func(o Options) string {
			if o.StartLimited == nil {
				return "there is no way to limit the connections of a server"
			}
			return ""
		},
	},
	{
		name: "limit/many callers",
		rule: "many more callers than connections wait for their turn, and all succeed",
		run:  limitCallers,
	},
}

func limitConnections(s *suite) {
	const connections, callers = 16, 64
	server := s.startLimited(connections)
	c := s.open(Config{Servers: []string{server.Addr()}, Conns: callers})
	ctx := context.Background()
	both := func(k string) error {
		if err := c.Set(ctx, k, valueOf(k), 0); err != nil {
			return err
		}
		v, err := c.Get(ctx, k)
		return checked(v, k, err)
	}
	var wg sync.WaitGroup
	for g := range callers {
		wg.Go(func() {
			k := keys(callers)[g]
			for range 20 {
				if err := both(k); err != nil {
					s.outage(c, err, server.Addr(), "a call to a server at its limit")
				}
			}
		})
	}
	wg.Wait()
	s.eventually(func() bool {
		for range 50 {
			if both("k") != nil {
				return false
			}
		}
		return true
	}, "calls work one after the other")
}

func limitCallers(s *suite) {
	server := s.start()
	c := s.open(Config{Servers: []string{server.Addr()}, Conns: 2})
	all := keys(100)
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			ctx := context.Background()
			for i := range 10 {
				k := all[(g+i*7)%len(all)]
				s.none(c.Set(ctx, k, valueOf(k), 0), "Set by one of many callers")
				v, err := c.Get(ctx, k)
				s.none(checked(v, k, err), "Get by one of many callers")
			}
		})
	}
	wg.Wait()
}

package memcached

import (
	"context"
	"fmt"

	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/resolver"
)

// A Resolver returns the servers of a cache whose list of servers changes while programs run.
//
// Resolve is called by one goroutine at a time, while the cache is used: for the first
// operation, and then every [Config.PollInterval]. The first list is used at once; a new list
// is used when it was returned twice in a row. After an error or an empty list the servers
// stay as they are. Programs that share the servers disagree about them for about one
// interval. When a key moves to another server, its old value stays on the server before.
type Resolver interface {
	// Resolve returns the servers, in the form of [Config.Servers]. Their names and
	// weights must be the same in every program, and with distributions that are not
	// rings also their order. It must return when ctx is done.
	Resolve(ctx context.Context) ([]string, error)
}

// discover sets the resolver that Discovery selects.
func (p *plan) discover() error {
	if len(p.Servers) == 0 {
		return fmt.Errorf("discovery %s needs a server to ask", p.Discovery)
	}
	if p.Discovery == DiscoverySRV {
		if len(p.Servers) != 1 {
			return fmt.Errorf("discovery %s takes one name, not %d", p.Discovery, len(p.Servers))
		}
		s, err := memcached.ParseServer(p.Servers[0])
		if err != nil {
			return err
		}
		if s.Host == "" || s.Port != memcached.DefaultPort || s.Weight > 1 {
			return fmt.Errorf("discovery %s takes a name without port and weight", p.Discovery)
		}
		p.Resolver = &resolver.SRV{Name: s.Host}
		return nil
	}
	endpoints, err := memcached.ParseServers(p.Servers)
	if err != nil {
		return err
	}
	p.Resolver = &resolver.Config{Endpoints: endpoints}
	return nil
}

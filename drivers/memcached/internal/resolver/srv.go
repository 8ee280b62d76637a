// Package resolver finds the servers of a cache.
package resolver

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
)

// SRV finds servers by the DNS SRV records of a name.
type SRV struct {
	Name string // as in "_memcached._tcp.example.org"

	lookup func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Resolve returns the targets of the records with their ports, sorted. Priorities and weights
// of the records are not used: every server holds its share of the keys.
func (r *SRV) Resolve(ctx context.Context) ([]string, error) {
	lookup := r.lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupSRV
	}
	_, records, err := lookup(ctx, "", "", r.Name)
	if err != nil {
		return nil, err
	}
	servers := make([]string, 0, len(records))
	for _, record := range records {
		host := strings.TrimSuffix(record.Target, ".")
		servers = append(servers, net.JoinHostPort(host, strconv.Itoa(int(record.Port))))
	}
	slices.Sort(servers)
	return slices.Compact(servers), nil
}

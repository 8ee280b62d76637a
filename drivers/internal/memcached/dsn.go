package memcached

import (
	"slices"
	"strings"

	"github.com/larder-go/larder/cache/driver/dsn"
)

// The servers of a DSN are the hosts before the path, separated by commas
//
//	scheme://10.0.0.1:11211,10.0.0.2:11211:2,[::1]:11211
//
// or the path of one unix socket
//
//	scheme:///run/memcached.sock
//
// or parameters "server", which also allow several sockets, and sockets beside hosts
//
//	scheme://?server=/run/a.sock&server=/run/b.sock

const serverParam = "server"

// ServersOf returns the servers of a DSN, as [Server.String] spells them. It reports
// mistakes to d.
func ServersOf(d *dsn.DSN) []string {
	var list []string
	if d.Hosts != "" {
		list = strings.Split(d.Hosts, ",")
	}
	for _, host := range list {
		if strings.HasPrefix(host, "/") {
			d.Errorf(serverParam, "write a unix socket beside hosts as %s=/path", serverParam)
			return nil
		}
	}
	if d.Path != "" {
		if len(list) > 0 {
			d.Errorf(serverParam, "both hosts and a path; write a unix socket beside hosts as %s=/path", serverParam)
			return nil
		}
		list = append(list, d.Path)
	}
	list = append(list, d.Strings(serverParam)...)
	for i, s := range list {
		server, err := ParseServer(s)
		if err != nil {
			d.Errorf(serverParam, "%w", err)
			return nil
		}
		list[i] = server.String()
	}
	return list
}

// FormatServers adds a list of servers to a DSN.
func FormatServers(b *dsn.Builder, list []string) {
	isSocket := func(s string) bool { return strings.HasPrefix(s, "/") }
	switch {
	case !slices.ContainsFunc(list, isSocket):
		b.Hosts = strings.Join(list, ",")
	case len(list) == 1:
		b.Path = list[0]
	default:
		b.Strings(serverParam, list)
	}
}

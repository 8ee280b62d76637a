package memcached

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/memcached/internal/cluster"
	"github.com/larder-go/larder/drivers/memcached/internal/conn"
)

// ServerStats returns what each server of c replies to the command stats: by the address of the
// server, and by the name that memcached gives the statistic, such as curr_items, bytes,
// limit_maxbytes, get_hits or evictions. A server counts for all its clients together, since it
// was started. The statistics of the connections of a cache are those of
// [github.com/larder-go/larder/cache.Cache.Stats].
//
// ServerStats makes a connection to each server, and closes it: it is for a tool or for a
// measurement once in a while. A server that does not reply within Config.Timeout is an error
// that matches cache.ErrUnavailable; the statistics of the other servers are returned with it.
func ServerStats(ctx context.Context, c Config) (map[string]map[string]string, error) {
	d, err := newDriver(c)
	if err != nil {
		return nil, fmt.Errorf(name+": %w", err)
	}
	defer d.cluster.Close()
	servers, err := d.cluster.Servers(ctx)
	if err != nil {
		return nil, d.unresolved(ctx, cache.OpStats, err)
	}
	stats := make([]map[string]string, len(servers))
	err = fanout.All(len(servers), func(i int) error {
		var err error
		stats[i], err = serverStats(ctx, servers[i])
		return err
	})
	all := make(map[string]map[string]string, len(servers))
	for i, s := range servers {
		if stats[i] != nil {
			all[s.Name] = stats[i]
		}
	}
	return all, err
}

// serverStats returns the statistics of one server.
func serverStats(ctx context.Context, s *cluster.Server) (map[string]string, error) {
	bounded, cancel := context.WithTimeout(ctx, s.Timeout())
	defer cancel()
	stats, err := askStats(bounded, s)
	switch {
	case err == nil:
		return stats, nil
	case ctx.Err() != nil:
		return nil, fail(cache.OpStats, s, ctx.Err())
	case bounded.Err() != nil:
		err = &conn.SilentError{After: s.Timeout()}
	}
	return nil, driver.Unavailable(name, cache.OpStats, s.Name, err)
}

func askStats(ctx context.Context, s *cluster.Server) (map[string]string, error) {
	nc, err := s.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(nc, "stats\r\n"); err != nil {
		return nil, err
	}
	return readStats(nc)
}

// maxStats bounds the bytes of a reply.
const maxStats = 1 << 20

// readStats reads lines "STAT name value" until "END".
func readStats(from io.Reader) (map[string]string, error) {
	stats := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(from, maxStats))
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "END" {
			return stats, nil
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "STAT "), " ")
		if !ok || !strings.HasPrefix(line, "STAT ") {
			return nil, fmt.Errorf("unexpected reply to stats: %.60q", line)
		}
		stats[name] = value
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return nil, errors.New("the reply to stats has no end")
}

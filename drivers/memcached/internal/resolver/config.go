package resolver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// Config finds servers with the command "config get cluster" of Amazon ElastiCache and
// Google Memorystore. The reply has the nodes as host|address|port, each with a space
// between, under the number of the version of the list.
type Config struct {
	Endpoints []memcached.Server // asked in turn until one replies

	// Dial connects to an endpoint.
	Dial func(ctx context.Context, s memcached.Server) (net.Conn, error)

	mu      sync.Mutex
	version uint64
}

// maxConfig bounds the length of a reply.
const maxConfig = 1 << 20

// Resolve returns the nodes, sorted, by their hosts, or by their addresses where they have no
// host. It fails if the list is older than one that it has returned.
func (r *Config) Resolve(ctx context.Context) ([]string, error) {
	var errs []error
	for _, s := range r.Endpoints {
		servers, err := r.ask(ctx, s)
		if err == nil {
			return servers, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", s.Addr(), err))
	}
	return nil, errors.Join(errs...)
}

func (r *Config) ask(ctx context.Context, s memcached.Server) ([]string, error) {
	nc, err := r.Dial(ctx, s)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(nc, "config get cluster\r\n"); err != nil {
		return nil, err
	}
	body, err := readConfig(bufio.NewReader(nc))
	if err != nil {
		return nil, err
	}
	version, servers, err := parseConfig(body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if version < r.version {
		return nil, fmt.Errorf("version %d of the list after version %d", version, r.version)
	}
	r.version = version
	return servers, nil
}

// readConfig reads "CONFIG cluster 0 <length>", so many bytes, and "END".
func readConfig(in *bufio.Reader) (string, error) {
	line, err := readLine(in)
	if err != nil {
		return "", err
	}
	fields := strings.Fields(line)
	if len(fields) != 4 || fields[0] != "CONFIG" || fields[1] != "cluster" {
		return "", fmt.Errorf("unexpected reply to config get cluster: %.60q", line)
	}
	length, err := strconv.Atoi(fields[3])
	if err != nil || length < 0 || length > maxConfig {
		return "", fmt.Errorf("unexpected length in the reply to config get cluster: %.60q", line)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return "", err
	}
	// There is a line end after the body, or it is counted in the length.
	for line = ""; line == "" && err == nil; {
		line, err = readLine(in)
	}
	if err == nil && line != "END" {
		err = fmt.Errorf("unexpected end of the reply to config get cluster: %.60q", line)
	}
	return string(body), err
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice('\n')
	return strings.TrimRight(string(line), "\r\n"), err
}

// parseConfig reads the version and the nodes.
func parseConfig(body string) (version uint64, servers []string, err error) {
	first, rest, _ := strings.Cut(body, "\n")
	version, err = strconv.ParseUint(strings.TrimSpace(first), 10, 64)
	if err != nil {
		return 0, nil, fmt.Errorf("the list of nodes has no version: %.60q", body)
	}
	for _, node := range strings.Fields(rest) {
		parts := strings.Split(node, "|")
		if len(parts) != 3 {
			return 0, nil, fmt.Errorf("a node is not host|address|port: %.60q", node)
		}
		host := parts[0]
		if host == "" {
			host = parts[1]
		}
		servers = append(servers, net.JoinHostPort(host, parts[2]))
	}
	slices.Sort(servers)
	return version, servers, nil
}

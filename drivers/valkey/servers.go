package valkey

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultServer = "127.0.0.1"
	defaultPort   = "6379"
	sentinelPort  = "26379"
)

// maxSocketPath is the limit of the smallest systems; larger ones stop at 108.
const maxSocketPath = 104

func isSocket(server string) bool { return strings.HasPrefix(server, "/") }

// parseServers returns the addresses of the servers for net.Dial.
func parseServers(list []string, sentinels bool) ([]string, error) {
	if len(list) == 0 {
		list = []string{defaultServer}
	}
	port := defaultPort
	if sentinels {
		port = sentinelPort
	}
	var addrs []string
	for _, s := range list {
		addr, err := parseServer(s, port)
		if err != nil {
			return nil, err
		}
		if slices.Contains(addrs, addr) {
			return nil, fmt.Errorf("server %s is listed twice; want it once", addr)
		}
		if isSocket(addr) && (sentinels || len(list) > 1) {
			return nil, errors.New("a unix socket beside other servers, or of a Sentinel; want host:port")
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// parseServer parses one server. The error repeats s, unless a password may be in it.
func parseServer(s, port string) (string, error) {
	if strings.Contains(s, "@") && !isSocket(s) {
		return "", errors.New("server: a user or password before the host (...@) is not part of the server; want host:port")
	}
	addr, err := address(s, port)
	if err != nil {
		return "", fmt.Errorf("server %.80q: %w", s, err)
	}
	return addr, nil
}

func address(s, port string) (string, error) {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return "", errors.New("it has a space or a control character")
		}
	}
	if isSocket(s) {
		if len(s) > maxSocketPath {
			return "", fmt.Errorf("the path of a unix socket has %d bytes; must have at most %d", len(s), maxSocketPath)
		}
		return s, nil
	}
	host, rest := s, ""
	if after, ok := strings.CutPrefix(s, "["); ok {
		host, rest, ok = strings.Cut(after, "]")
		ip, _, _ := strings.Cut(host, "%")
		if !ok || net.ParseIP(ip) == nil || !strings.Contains(ip, ":") {
			return "", errors.New("no IPv6 address in the brackets")
		}
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		host, rest = s[:i], s[i:]
	}
	switch {
	case host == "" || strings.ContainsAny(host, `,/?#[]\`):
		return "", errors.New("no host; want host:port, /path, or an IPv6 address in brackets as in [::1]:6379")
	case rest == "":
		return net.JoinHostPort(host, port), nil
	}
	given, ok := strings.CutPrefix(rest, ":")
	n, err := strconv.Atoi(given)
	if !ok || err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != given {
		return "", errors.New("want host:port with a port from 1 to 65535; an IPv6 address is in brackets, as in [::1]:6379")
	}
	return net.JoinHostPort(host, given), nil
}

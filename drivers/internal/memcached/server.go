package memcached

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// DefaultPort is the port of a server that names none.
const DefaultPort = 11211

// DefaultServer is the server of a configuration that names none.
const DefaultServer = "127.0.0.1"

// maxWeight bounds the weight of a server.
const maxWeight = 65535

// A Server is a server as it was configured. Nothing is resolved and no case is changed,
// because distributions hash the name.
type Server struct {
	Host   string // name or IP address, IPv6 without brackets; empty for a unix socket
	Port   int    // 1 to 65535; 0 for a unix socket
	Path   string // of a unix socket; empty for TCP
	Weight int    // 1 and up
}

// ParseServer parses one server: "host", "host:port", "host:port:weight", the same with an
// IPv6 address in brackets as the host, or "/path" of a unix socket, which has no weight. The
// error repeats s, unless s may hold a password.
func ParseServer(s string) (Server, error) {
	if hasUser(s) {
		return Server{}, errors.New("server: user and password before the host (...@) are not supported; want host:port:weight")
	}
	server, err := parseServer(s)
	if err != nil {
		return Server{}, fmt.Errorf("server %.80q: %w", s, err)
	}
	return server, nil
}

// hasUser reports whether s holds an @, escaped or not, other than in a path, or as a part of
// the zone of an IPv6 address.
func hasUser(s string) bool {
	if strings.HasPrefix(s, "/") {
		return false
	}
	return strings.Contains(s, "@") || !strings.HasPrefix(s, "[") && strings.Contains(s, "%40")
}

func parseServer(s string) (Server, error) {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return Server{}, errors.New("it has a space or a control character")
		}
	}
	if strings.HasPrefix(s, "/") {
		// The limit of some systems; on others it is 108.
		if len(s) > 104 {
			return Server{}, fmt.Errorf("the path of a unix socket has %d bytes; must have at most 104", len(s))
		}
		return Server{Path: s, Weight: 1}, nil
	}
	server := Server{Port: DefaultPort, Weight: 1}
	rest := ""
	if after, ok := strings.CutPrefix(s, "["); ok {
		server.Host, rest, ok = strings.Cut(after, "]")
		ip, zone, _ := strings.Cut(server.Host, "%")
		if !ok || net.ParseIP(ip) == nil || !strings.Contains(ip, ":") || strings.ContainsAny(zone, "%,/[") {
			return Server{}, errors.New("there is no IPv6 address in the brackets")
		}
	} else {
		server.Host, rest = s, ""
		if i := strings.IndexByte(s, ':'); i >= 0 {
			server.Host, rest = s[:i], s[i:]
		}
	}
	if server.Host == "" {
		return Server{}, errors.New("no host; want host:port, /path, or an IPv6 address in brackets as in [::1]:11211")
	}
	if strings.ContainsAny(server.Host, `,/?#@[]\`) {
		return Server{}, errors.New("the host has a character that no host name has")
	}
	if strings.ContainsAny(server.Host+rest, ";&=") {
		return Server{}, errors.New("the host has ;, & or =; separate servers by commas, and write ? before parameters")
	}
	parts := strings.Split(rest, ":")
	if parts[0] != "" || len(parts) > 3 {
		return Server{}, errors.New("want host:port:weight; write an IPv6 address in brackets, as in [::1]:11211")
	}
	var err error
	if len(parts) > 1 {
		if server.Port, err = number(parts[1], 65535); err != nil {
			return Server{}, fmt.Errorf("port: %w", err)
		}
	}
	if len(parts) > 2 {
		if server.Weight, err = number(parts[2], maxWeight); err != nil {
			return Server{}, fmt.Errorf("weight: %w", err)
		}
	}
	return server, nil
}

// number parses a number from 1 to most, without a sign or leading zeros.
func number(s string, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("%.20q is not a number from 1 to %d", s, most)
	}
	return n, nil
}

// ParseServers parses a list of servers, or [DefaultServer] if it is empty. A server that is
// listed twice, in whatever spelling, is an error: it is a mistake, or an attempt to give
// the server more keys, for which there are weights.
func ParseServers(list []string) ([]Server, error) {
	if len(list) == 0 {
		list = []string{DefaultServer}
	}
	servers := make([]Server, len(list))
	seen := make(map[string]Server, len(list))
	for i, s := range list {
		var err error
		if servers[i], err = ParseServer(s); err != nil {
			return nil, err
		}
		key := servers[i].identity()
		if before, ok := seen[key]; ok {
			return nil, fmt.Errorf("server %s is listed twice, as %s and as %s; must be listed once, with a weight if it is to have more keys",
				before.Addr(), before, s)
		}
		seen[key] = servers[i]
	}
	return servers, nil
}

// identity returns the same for two spellings of one server: of an IP address, of the case
// of a name, or of a path.
func (s Server) identity() string {
	if s.Path != "" {
		return path.Clean(s.Path)
	}
	host := strings.TrimSuffix(strings.ToLower(s.Host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return net.JoinHostPort(host, strconv.Itoa(s.Port))
}

// IsSocket reports whether s is a unix socket.
func (s Server) IsSocket() bool { return s.Path != "" }

// Network returns "tcp" or "unix", as net.Dial takes it.
func (s Server) Network() string {
	if s.IsSocket() {
		return "unix"
	}
	return "tcp"
}

// Addr returns the address as net.Dial takes it: "host:port", "[IPv6]:port" or the path.
// Errors name the server by it.
func (s Server) Addr() string {
	if s.Path != "" {
		return s.Path
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// String returns the server in the form that ParseServer parses, with its port.
func (s Server) String() string {
	if s.Weight > 1 {
		return s.Addr() + ":" + strconv.Itoa(s.Weight)
	}
	return s.Addr()
}

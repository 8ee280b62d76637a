//go:build unix

// Package memcachedtest starts memcached servers for tests: real ones, on a free port or a
// unix socket, which are stopped with the test, and scripted ones for what a real one
// cannot be made to do.
//
// A machine without memcached fails these tests; it does not skip them.
package memcachedtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTries bounds the ports that are tried: one that was free may be taken by
// another process before memcached listens on it.
const startTries = 10

// Server is a memcached process of a test. Its methods end the test when they fail
// and may be called by one goroutine at a time; Addr may be called by any.
type Server struct {
	t       testing.TB
	network string
	host    string // TCP only
	addr    string
	args    []string

	cmd    *exec.Cmd
	stderr *output
	exited chan struct{} // closed when cmd has ended
}

// Start starts memcached with extra args (such as "-I", "2m") and returns when it
// replies. Network is "tcp" (127.0.0.1), "tcp6" (::1) or "unix". The server is
// stopped when the test ends, whatever state it is in.
func Start(t testing.TB, network string, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, network: network, args: args}
	switch network {
	case "tcp":
		s.host = Loopback()
	case "tcp6":
		s.host = "::1"
	case "unix":
		s.addr = filepath.Join(socketDir(t), "s")
	default:
		t.Fatalf("memcachedtest: network %q: want tcp, tcp6 or unix", network)
	}
	t.Cleanup(s.end)
	deadline := time.Now().Add(patience)
	for try := 1; ; try++ {
		if network != "unix" {
			s.addr = freeAddr(t, s.host)
		}
		err := s.start(deadline)
		if err == nil {
			return s
		}
		if try == startTries || network == "unix" || !errors.Is(err, errExited) {
			t.Fatalf("memcachedtest: start on %s: %v", s.addr, err)
		}
	}
}

// StartAt is Start at an address, "host:port".
func StartAt(t testing.TB, addr string, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, network: "tcp", addr: addr, args: args}
	t.Cleanup(s.end)
	if err := s.start(time.Now().Add(patience)); err != nil {
		t.Fatalf("memcachedtest: start on %s: %v", addr, err)
	}
	return s
}

// StartTLS is like [Start] on TCP, with TLS. The server wants a certificate from its clients too.
func StartTLS(t testing.TB, c *Certificates, args ...string) *Server {
	t.Helper()
	options := "ssl_chain_cert=" + c.File("server.pem") + ",ssl_key=" + c.File("server.key") +
		",ssl_ca_cert=" + c.File("ca.pem") + ",ssl_verify_mode=2"
	return Start(t, "tcp", append([]string{"-Z", "-o", options}, args...)...)
}

// StartN starts n servers.
func StartN(t testing.TB, n int, network string, args ...string) []*Server {
	t.Helper()
	servers := make([]*Server, n)
	for i := range servers {
		servers[i] = Start(t, network, args...)
	}
	return servers
}

// Addrs returns the addresses of servers, in order.
func Addrs(servers []*Server) []string {
	addrs := make([]string, len(servers))
	for i, s := range servers {
		addrs[i] = s.Addr()
	}
	return addrs
}

// Addr returns where the server listens: "127.0.0.1:port", "[::1]:port" or the path
// of the socket.
func (s *Server) Addr() string { return s.addr }

// Network returns "tcp" or "unix", as net.Dial wants it with Addr.
func (s *Server) Network() string {
	if s.network == "unix" {
		return "unix"
	}
	return "tcp"
}

// Stop ends the server in an orderly way (SIGTERM) and waits for its end.
func (s *Server) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	s.wait()
}

// Kill ends the server at once (SIGKILL), in whatever state it is, and waits for its end.
func (s *Server) Kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	s.wait()
}

// Freeze stops the process (SIGSTOP): the kernel still accepts connections for it, but
// nothing replies.
func (s *Server) Freeze() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	Eventually(s.t, "the server is frozen", func() bool { return Stopped(s.cmd.Process.Pid) })
}

// Thaw lets a frozen server continue.
func (s *Server) Thaw() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
}

// Restart starts the server again on the same address, empty, after Stop or Kill; a
// server that still runs is killed first.
func (s *Server) Restart() {
	s.t.Helper()
	if s.running() {
		s.Kill()
	}
	deadline := time.Now().Add(patience)
	for {
		err := s.start(deadline)
		if err == nil {
			return
		}
		// Another process may be using the port for a moment, as the local end of
		// a connection for example.
		if !errors.Is(err, errExited) || time.Now().After(deadline) {
			s.t.Fatalf("memcachedtest: restart on %s: %v", s.addr, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Command sends one line in the text protocol on a separate connection and
// returns the lines of the reply up to the first that equals or starts with one of
// ends, without CR LF.
func (s *Server) Command(line string, ends ...string) []string {
	s.t.Helper()
	lines, err := s.command(line, time.Now().Add(patience), ends...)
	if err != nil {
		s.t.Fatalf("memcachedtest: %s: %q: %v", s.addr, line, err)
	}
	return lines
}

var errExited = errors.New("memcached ended")

func (s *Server) start(deadline time.Time) error {
	path, err := exec.LookPath("memcached")
	if err != nil {
		return errors.New("memcached is not installed; " +
			"on Debian and Ubuntu: sudo apt-get install memcached; on macOS: brew install memcached")
	}
	args := []string{"-U", "0"}
	if s.network == "unix" {
		if err := os.Remove(s.addr); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		args = append(args, "-s", s.addr)
	} else {
		host, port, err := net.SplitHostPort(s.addr)
		if err != nil {
			return err
		}
		args = append(args, "-l", host, "-p", port)
	}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root") // memcached refuses to run as root unless told to
	}
	s.stderr = new(output)
	s.cmd = exec.Command(path, append(args, s.args...)...)
	s.cmd.Stderr = s.stderr
	if err := Spawn(s.cmd); err != nil {
		return err
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan struct{}) {
		_ = cmd.Wait() // the error is the signal that ended the process
		close(exited)
	}(s.cmd, s.exited)

	for {
		err := s.ready()
		if !s.running() {
			return fmt.Errorf("%w: %s", errExited, s.stderr)
		}
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no reply in %v: %w: %s", patience, err, s.stderr)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// ready returns nil if the server replies. It compares the process number, so that another
// server on the same port is not taken for this one.
func (s *Server) ready() error {
	if s.guarded() { // that it listens is all that can be tested
		c, err := net.DialTimeout(s.Network(), s.addr, time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	}
	lines, err := s.command("stats", time.Now().Add(time.Second), "END")
	if err != nil {
		return err
	}
	want := "STAT pid " + strconv.Itoa(s.cmd.Process.Pid)
	if !slices.Contains(lines, want) {
		return errors.New("another server listens at this address")
	}
	return nil
}

// Stat returns a number of the server's statistics.
func (s *Server) Stat(name string) int {
	s.t.Helper()
	n, err := stat(s.Command("stats", "END"), name)
	if err != nil {
		s.t.Fatalf("memcachedtest: %s: %v", s.addr, err)
	}
	return n
}

func stat(lines []string, name string) (int, error) {
	for _, line := range lines {
		if v, ok := strings.CutPrefix(line, "STAT "+name+" "); ok {
			return strconv.Atoi(v)
		}
	}
	return 0, fmt.Errorf("the server has no statistic %s", name)
}

// Connections returns how many connections clients have, without the one that asks. It
// must be polled: a connection that was just closed may still be counted.
func (s *Server) Connections() int {
	s.t.Helper()
	n := -1
	for _, line := range s.Command("stats conns", "END") {
		if strings.Contains(line, ":state ") && !strings.HasSuffix(line, " conn_listening") {
			n++
		}
	}
	return n
}

// guarded reports whether the server wants TLS or a password, which this package does not use.
func (s *Server) guarded() bool {
	return slices.Contains(s.args, "-Z") || slices.Contains(s.args, "-Y")
}

func (s *Server) command(line string, deadline time.Time, ends ...string) ([]string, error) {
	c, err := net.DialTimeout(s.Network(), s.addr, time.Until(deadline))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte(line + "\r\n")); err != nil {
		return nil, err
	}
	var lines []string
	r := bufio.NewReader(c)
	for {
		l, err := r.ReadString('\n')
		if err != nil {
			return lines, err
		}
		l = strings.TrimRight(l, "\r\n")
		lines = append(lines, l)
		for _, end := range ends {
			if strings.HasPrefix(l, end) {
				// The server closes the connection: then the next command does not count it.
				if _, err := c.Write([]byte("quit\r\n")); err == nil {
					_, _ = io.Copy(io.Discard, r)
				}
				return lines, nil
			}
		}
		if strings.HasPrefix(l, "ERROR") || strings.HasPrefix(l, "CLIENT_ERROR") || strings.HasPrefix(l, "SERVER_ERROR") {
			return lines, errors.New(l)
		}
	}
}

func (s *Server) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if !s.running() {
		s.t.Fatalf("memcachedtest: %v: the server on %s does not run: %s", sig, s.addr, s.stderr)
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("memcachedtest: %v: %v", sig, err)
	}
}

func (s *Server) wait() {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Fatalf("memcachedtest: the server on %s does not end", s.addr)
	}
}

// end is the cleanup. SIGKILL also ends a process that is frozen.
func (s *Server) end() {
	if s.exited == nil || !s.running() {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("memcachedtest: %v", err)
		return
	}
	s.wait()
}

// output keeps what a process wrote, for messages.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(o.buf.String())
}

//go:build unix

package valkeytest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// patience bounds the waits of this package. It is generous: it is reached only when
// something is wrong, and the machine may be busy.
const patience = time.Minute

// startTries bounds the ports that are tried: one that was free may be taken by
// somebody else before the server listens on it.
const startTries = 10

// A Server is a server process of a test. Its methods end the test when they fail.
type Server struct {
	t        testing.TB
	binary   Binary
	network  string
	addr     string
	dir      string
	args     []string
	tls      *tls.Config // nil: none
	sentinel string      // the configuration of a Sentinel; empty: a server of data
	restore  func()      // called before a start

	cmd    *exec.Cmd
	output *output
	exited chan struct{} // closed when cmd has ended
}

// Start starts a server with extra arguments (such as "--maxmemory", "1mb") and returns
// when it replies. Network is "tcp" or "unix". It keeps nothing on disk. The server is
// stopped when the test ends, whatever state it is in.
func Start(t testing.TB, b Binary, network string, args ...string) *Server {
	t.Helper()
	return start(t, &Server{t: t, binary: b, network: network, args: args})
}

// StartTLS is like Start on TCP, with TLS. The server wants a certificate from its clients
// too.
func StartTLS(t testing.TB, b Binary, c *memcachedtest.Certificates, args ...string) *Server {
	t.Helper()
	args = append(args, "--tls-cert-file", c.File("server.pem"), "--tls-key-file", c.File("server.key"), "--tls-ca-cert-file", c.File("ca.pem"))
	return start(t, &Server{t: t, binary: b, network: "tcp", args: args, tls: c.Client(t)})
}

func start(t testing.TB, s *Server) *Server {
	t.Helper()
	if s.dir == "" {
		s.dir = shortDir(t)
	}
	t.Cleanup(s.end)
	deadline := time.Now().Add(patience)
	for try := 1; ; try++ {
		switch {
		case s.network == "unix":
			s.addr = filepath.Join(s.dir, "s")
		case s.addr == "" || try > 1:
			s.addr = memcachedtest.FreeAddr(t)
		}
		err := s.start(deadline)
		if err == nil {
			return s
		}
		if try == startTries || s.network == "unix" || !errors.Is(err, errExited) {
			t.Fatalf("valkeytest: start of %s on %s: %v", s.binary.Name, s.addr, err)
		}
	}
}

// Addr returns where the server listens: "127.0.0.1:port" or the path of the socket.
func (s *Server) Addr() string { return s.addr }

// Port returns the port.
func (s *Server) Port() string { return s.addr[strings.LastIndexByte(s.addr, ':')+1:] }

// Binary returns the program.
func (s *Server) Binary() Binary { return s.binary }

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

// Pause stops the process (SIGSTOP): the kernel still accepts connections for it, but
// nothing replies.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	memcachedtest.Eventually(s.t, "the server is paused", func() bool { return memcachedtest.Stopped(s.cmd.Process.Pid) })
}

// Resume lets a paused server go on.
func (s *Server) Resume() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
}

// Restart starts the server again on the same address after Stop or Kill; a server that
// still runs is killed first.
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
		// The port may be in somebody's short use, as the local end of a connection.
		if !errors.Is(err, errExited) || time.Now().After(deadline) {
			s.t.Fatalf("valkeytest: restart on %s: %v", s.addr, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Do sends a command on a new connection and returns the reply: a string, an int64, nil or
// a []any.
func (s *Server) Do(args ...string) any {
	s.t.Helper()
	reply, err := s.Try(args...)
	if err != nil {
		s.t.Fatalf("valkeytest: %s: %.100q: %v", s.addr, args, err)
	}
	return reply
}

// Try is Do with an error.
func (s *Server) Try(args ...string) (any, error) {
	return s.try(time.Now().Add(patience), args)
}

func (s *Server) try(deadline time.Time, args []string) (any, error) {
	d := net.Dialer{Deadline: deadline}
	c, err := d.Dial(s.network, s.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if s.tls != nil {
		c = tls.Client(c, s.tls)
	}
	if err := c.SetDeadline(deadline); err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	if err := writeCommand(c, args); err != nil {
		return nil, err
	}
	return readReply(r)
}

// Info returns a number of INFO, such as "connected_clients".
func (s *Server) Info(name string) int {
	s.t.Helper()
	text, _ := s.Do("INFO", "everything").(string)
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(v))
			if err != nil {
				s.t.Fatalf("valkeytest: %s: %v", name, err)
			}
			return n
		}
	}
	s.t.Fatalf("valkeytest: INFO has no %s", name)
	return 0
}

var errExited = errors.New("the server ended")

func (s *Server) start(deadline time.Time) error {
	args := []string{"--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", s.dir, "--protected-mode", "no"}
	if s.restore != nil {
		s.restore()
	}
	switch {
	case s.sentinel != "":
		return s.run([]string{s.sentinel, "--sentinel"}, deadline)
	case s.network == "unix":
		if err := os.Remove(s.addr); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		args = append(args, "--port", "0", "--unixsocket", s.addr)
	default:
		host, port, err := net.SplitHostPort(s.addr)
		if err != nil {
			return err
		}
		args = append(args, "--bind", host)
		if s.tls != nil {
			args = append(args, "--port", "0", "--tls-port", port)
		} else {
			args = append(args, "--port", port)
		}
	}
	return s.run(append(args, s.args...), deadline)
}

// run starts the program and waits until it replies.
func (s *Server) run(args []string, deadline time.Time) error {
	s.output = new(output)
	s.cmd = exec.Command(s.binary.Path, args...)
	s.cmd.Dir = s.dir
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := memcachedtest.Spawn(s.cmd); err != nil {
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
			return fmt.Errorf("%w: %s", errExited, s.output)
		}
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no reply in %v: %w: %s", patience, err, s.output)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// ready asks for the process number, so that another server on the same port is not
// taken for this one.
func (s *Server) ready() error {
	reply, err := s.try(time.Now().Add(time.Second), []string{"INFO", "server"})
	if err != nil {
		return err
	}
	text, _ := reply.(string)
	if !strings.Contains(text, "process_id:"+strconv.Itoa(s.cmd.Process.Pid)+"\r") {
		return errors.New("another server replies at this address")
	}
	return nil
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
		s.t.Fatalf("valkeytest: %v: the server on %s does not run: %s", sig, s.addr, s.output)
	}
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("valkeytest: %v: %v", sig, err)
	}
}

func (s *Server) wait() {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Fatalf("valkeytest: the server on %s does not end", s.addr)
	}
}

// end is the cleanup. SIGKILL also ends a process that is paused.
func (s *Server) end() {
	if s.exited == nil || !s.running() {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("valkeytest: %v", err)
		return
	}
	s.wait()
}

// shortDir makes a directory. Not t.TempDir: that has the test's name in it, and the path
// of a socket is limited to about 100 bytes.
func shortDir(t testing.TB) string {
	t.Helper()
	base := os.TempDir()
	if len(base) > 60 {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "vk")
	if err != nil {
		t.Fatalf("valkeytest: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("valkeytest: %v", err)
		}
	})
	return dir
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

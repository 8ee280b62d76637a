package drvbench

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

// server is a memcached on a free port of this machine.
type server struct {
	addr string
	cmd  *exec.Cmd
}

// startServer starts memcached with four threads, 1 GiB and extra args, and returns when it
// accepts connections.
func startServer(extra ...string) (*server, error) {
	path, err := exec.LookPath("memcached")
	if err != nil {
		return nil, errors.New("memcached is not installed; on Debian: apt-get install memcached")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{addr: l.Addr().String()}
	if err := l.Close(); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		return nil, err
	}
	args := []string{"-U", "0", "-l", "127.0.0.1", "-p", port, "-t", "4", "-m", "1024", "-c", "4096"}
	args = append(args, extra...)
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root")
	}
	s.cmd = exec.Command(path, args...)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	const patience = 10 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			return s, c.Close()
		}
		if time.Since(began) > patience {
			return nil, errors.Join(fmt.Errorf("memcached does not reply after %v: %w", patience, err), s.stop())
		}
	}
}

func (s *server) stop() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	// An ExitError says that it was killed.
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// evictions asks the server how many items it has evicted.
func (s *server) evictions() (n uint64, err error) {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if _, err := c.Write([]byte("stats\r\n")); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(c); lines.Scan() && lines.Text() != "END"; {
		if _, err := fmt.Sscanf(lines.Text(), "STAT evictions %d", &n); err == nil {
			return n, nil
		}
	}
	return 0, errors.New("memcached does not say how many items it has evicted")
}

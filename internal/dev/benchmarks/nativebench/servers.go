// Package nativebench compares drivers/memcached with other clients: gomemcache, Grafana's
// fork of it, valkey-go on a Redis of the same machine, and a bare round trip. It starts the
// servers.
package nativebench

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a server that was started for a measurement.
type process struct {
	cmd *exec.Cmd
	dir string // removed with it
}

// servers are a memcached and a Redis on the same kind of network.
type servers struct {
	network          string // "unix" or "tcp"
	memcached, redis string // addresses
	processes        []*process
}

// startServers starts both. Redis is left out if it is not installed.
func startServers(network string) (*servers, error) {
	s := &servers{network: network}
	addr, err := s.start("memcached", func(addr string) []string {
		args := []string{"-U", "0", "-t", "4", "-m", "1024", "-c", "4096"}
		if os.Geteuid() == 0 {
			args = append(args, "-u", "root")
		}
		if network == "unix" {
			return append(args, "-s", addr)
		}
		host, port, _ := net.SplitHostPort(addr)
		return append(args, "-l", host, "-p", port)
	})
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.memcached = addr
	if _, err := exec.LookPath("redis-server"); err != nil {
		return s, nil
	}
	s.redis, err = s.start("redis-server", func(addr string) []string {
		args := []string{"--save", "", "--appendonly", "no", "--maxclients", "4096"}
		if network == "unix" {
			return append(args, "--port", "0", "--unixsocket", addr)
		}
		host, port, _ := net.SplitHostPort(addr)
		return append(args, "--bind", host, "--port", port)
	})
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// start starts a program that listens on a free address, and waits until it does.
func (s *servers) start(name string, args func(addr string) []string) (addr string, err error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed", name)
	}
	p := &process{}
	if s.network == "unix" {
		if p.dir, err = os.MkdirTemp("", "bench"); err != nil {
			return "", err
		}
		addr = filepath.Join(p.dir, "s")
	} else {
		port, err := freePort()
		if err != nil {
			return "", err
		}
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	p.cmd = exec.Command(path, args(addr)...)
	if err := p.cmd.Start(); err != nil {
		return "", err
	}
	s.processes = append(s.processes, p)
	const patience = 10 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial(s.network, addr)
		if err == nil {
			return addr, c.Close()
		}
		if time.Since(began) > patience {
			return "", fmt.Errorf("%s does not listen after %v: %w", name, patience, err)
		}
	}
}

// versions returns those of the servers.
func versions() []string {
	var list []string
	for _, name := range []string{"memcached", "redis-server"} {
		if out, err := exec.Command(name, "--version").Output(); err == nil {
			list = append(list, strings.Join(strings.Fields(string(out))[:min(3, len(strings.Fields(string(out))))], " "))
		}
	}
	return list
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

func (s *servers) stop() error {
	var errs []error
	for _, p := range s.processes {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

func (p *process) stop() error {
	err := p.cmd.Process.Kill()
	var exit *exec.ExitError
	if waited := p.cmd.Wait(); waited != nil && !errors.As(waited, &exit) {
		err = errors.Join(err, waited)
	}
	if p.dir != "" {
		err = errors.Join(err, os.RemoveAll(p.dir))
	}
	return err
}

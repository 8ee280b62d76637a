package loadbench

import (
	"bufio"
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

// startMemcached starts a memcached with room for everything that is measured.
func startMemcached() (addr string, stop func() error, err error) {
	return start("memcached", func(socket string) []string {
		args := []string{"-s", socket, "-m", "2048"}
		if os.Geteuid() == 0 {
			args = append(args, "-u", "root")
		}
		return args
	})
}

// startRedis starts a Redis that writes nothing to the disk.
func startRedis() (addr string, stop func() error, err error) {
	return start("redis-server", func(socket string) []string {
		return []string{"--unixsocket", socket, "--port", "0", "--save", "", "--appendonly", "no", "--dir", filepath.Dir(socket)}
	})
}

// start starts a server on a socket of this machine.
func start(program string, args func(socket string) []string) (addr string, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "loadbench")
	if err != nil {
		return "", nil, err
	}
	addr = filepath.Join(dir, "s")
	cmd := exec.Command(program, args(addr)...)
	if err := cmd.Start(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("%w; on Debian: apt-get install %s", err, program), os.RemoveAll(dir))
	}
	stop = func() error {
		err := cmd.Process.Kill()
		_ = cmd.Wait() // its error is that it was killed
		return errors.Join(err, os.RemoveAll(dir))
	}
	const patience = 10 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("unix", addr)
		if err == nil {
			return addr, stop, c.Close()
		}
		if time.Since(began) > patience {
			return "", nil, errors.Join(fmt.Errorf("%s does not listen after %v: %w", program, patience, err), stop())
		}
	}
}

// deletes returns the number of commands to delete that a memcached receives during do.
func deletes(addr string, do func() error) (n int, err error) {
	before, err := deleteCommands(addr)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := deleteCommands(addr)
	return after - before, err
}

// deleteCommands asks a memcached how many commands to delete it has received.
func deleteCommands(addr string) (n int, err error) {
	c, err := net.Dial("unix", addr)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := fmt.Fprint(c, "stats\r\n"); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() && lines.Text() != "END" {
		f := strings.Fields(lines.Text())
		if len(f) == 3 && (f[1] == "delete_hits" || f[1] == "delete_misses") {
			count, err := strconv.Atoi(f[2])
			if err != nil {
				return 0, err
			}
			n += count
		}
	}
	return n, lines.Err()
}

// versions asks the programs.
func versions() string {
	memcached, err := exec.Command("memcached", "--version").Output()
	if err != nil {
		memcached = []byte("memcached")
	}
	redis, err := exec.Command("redis-server", "--version").Output()
	if fields := strings.Fields(string(redis)); err == nil && len(fields) > 2 {
		redis = []byte("Redis " + strings.TrimPrefix(fields[2], "v="))
	} else {
		redis = []byte("Redis")
	}
	return strings.TrimSpace(string(memcached)) + ", " + string(redis)
}

package valkeybench

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	vk "github.com/valkey-io/valkey-go"
)

// server is a Redis on a free port of this machine.
type server struct {
	addr string
	dir  string
	cmd  *exec.Cmd
}

const program = "redis-server"

// startServer starts a server that keeps nothing, and returns when it replies. As a
// cluster, it is the only node and has all slots.
func startServer(cluster bool) (*server, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, fmt.Errorf("%s is not installed; on Debian: apt-get install %s", program, program)
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
	if s.dir, err = os.MkdirTemp("", "valkeybench"); err != nil {
		return nil, err
	}
	args := []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir}
	if cluster {
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", "0", "--cluster-announce-ip", "127.0.0.1")
	}
	s.cmd = exec.Command(path, args...)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	const patience = 10 * time.Second
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := s.ready(cluster)
		if err == nil {
			return s, nil
		}
		if time.Since(began) > patience {
			return nil, errors.Join(fmt.Errorf("%s is not ready after %v: %w", program, patience, err), s.stop())
		}
	}
}

// ready reports an error unless the server works; it has a cluster's only node take all
// slots.
func (s *server) ready(cluster bool) error {
	c, err := vk.NewClient(vk.ClientOption{InitAddress: []string{s.addr}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		return err
	}
	defer c.Close()
	if !cluster {
		return c.Do(ctx, c.B().Ping().Build()).Error()
	}
	// An error says that they are assigned already.
	_ = c.Do(ctx, c.B().ClusterAddslotsrange().StartSlotEndSlot().StartSlotEndSlot(0, 16383).Build()).Error()
	info, err := c.Do(ctx, c.B().ClusterInfo().Build()).ToString()
	if err == nil && !strings.Contains(info, "cluster_state:ok") {
		err = errors.New("the cluster is not ready")
	}
	return err
}

func (s *server) stop() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) { // it was killed
		return err
	}
	return os.RemoveAll(s.dir)
}

// version asks the program.
func version() string {
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		return program
	}
	fields := strings.Fields(string(out))
	if len(fields) < 3 {
		return program
	}
	return fields[0] + " " + strings.TrimPrefix(fields[2], "v=")
}

package drvbench

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

//go:embed clients.py
var pythonProgram string

// python is a process that does operations with Python's clients and times them.
type python struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Scanner
	versions map[string]string
}

// startPython starts the interpreter that Debian's packages python3-pylibmc and
// python3-memcache belong to.
func startPython(addr string) (*python, error) {
	p := &python{cmd: exec.Command("/usr/bin/python3", "-c", pythonProgram, addr)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.read(&p.versions); err != nil {
		return nil, errors.Join(fmt.Errorf("python clients (on Debian: apt-get install python3-pylibmc python3-memcache): %w", err), p.stop())
	}
	return p, nil
}

func (p *python) read(v any) error {
	if !p.out.Scan() {
		return errors.Join(errors.New("the process ended"), p.out.Err())
	}
	return json.Unmarshal(p.out.Bytes(), v)
}

// do does one operation on n keys and returns how long it took.
func (p *python) do(client, op, prefix string, n int) (time.Duration, error) {
	job, err := json.Marshal(map[string]any{"client": client, "op": op, "prefix": prefix, "n": n})
	if err != nil {
		return 0, err
	}
	if _, err := p.in.Write(append(job, '\n')); err != nil {
		return 0, err
	}
	var seconds float64
	err = p.read(&seconds)
	return time.Duration(seconds * 1e9), err
}

// stop ends the process by ending its input.
func (p *python) stop() error {
	err := p.in.Close()
	return errors.Join(err, p.cmd.Wait())
}

// version is the client's, for the report.
func (p *python) version(client string) string {
	return strings.TrimSpace(client + " " + p.versions[client])
}

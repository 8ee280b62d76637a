// Package child runs measurements in separate processes.
package child

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Flag is the flag of the program that takes a job.
const Flag = "child"

// Parts are functions that do a job, given as JSON, by name.
type Parts map[string]func(job json.RawMessage) (any, error)

// Part makes a function for [Parts] of one that takes a job of type J.
func Part[J any](run func(J) (any, error)) func(json.RawMessage) (any, error) {
	return func(text json.RawMessage) (any, error) {
		var job J
		if err := json.Unmarshal(text, &job); err != nil {
			return nil, fmt.Errorf("job: %w", err)
		}
		return run(job)
	}
}

type envelope struct {
	Part string
	Job  json.RawMessage
}

// Run does the job that Spawn described and prints its result.
func Run(text string, out io.Writer, all ...Parts) error {
	var e envelope
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	parts := Parts{}
	for _, p := range all {
		maps.Copy(parts, p)
	}
	run := parts[e.Part]
	if run == nil {
		return fmt.Errorf("job: unknown part %q; there are: %s", e.Part, strings.Join(slices.Sorted(maps.Keys(parts)), ", "))
	}
	result, err := run(e.Job)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(result)
}

// Place says where a process runs.
type Place struct {
	Procs  int  // GOMAXPROCS
	Pinned bool // to one core, with the processes that it starts, where taskset is installed
}

// CanPin reports whether processes can be pinned.
func CanPin() bool {
	_, err := exec.LookPath("taskset")
	return err == nil
}

// Spawn does the job in a new process.
func Spawn[T any](part string, job any, place Place) (T, error) {
	var result T
	self, err := os.Executable()
	if err != nil {
		return result, err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return result, err
	}
	if text, err = json.Marshal(envelope{part, text}); err != nil {
		return result, err
	}
	command := []string{self, "-" + Flag, string(text)}
	if place.Pinned && CanPin() {
		command = append([]string{"taskset", "-c", "0"}, command...)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(place.Procs))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return result, fmt.Errorf("%s: %w", part, err)
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return result, fmt.Errorf("%s: bad result: %w", part, err)
	}
	return result, nil
}

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progress tells how far a task has come: on a terminal in one line that is updated,
// elsewhere in a few lines. Its methods may be called by many goroutines at once.
type progress struct {
	w        io.Writer
	terminal bool

	mu    sync.Mutex // guards the fields below
	what  string
	done  int
	total int
	shown time.Time // when the line was last updated
	quart int       // the last quarter that was told of
}

// newProgress reports to f, unless it is nil.
func newProgress(f *os.File) *progress {
	if f == nil {
		return &progress{w: io.Discard}
	}
	info, err := f.Stat()
	return &progress{w: f, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

const (
	clearLine = "\r\x1b[K"
	// refresh keeps a slow terminal from slowing the work.
	refresh = 100 * time.Millisecond
)

// begin starts a task of total steps.
func (p *progress) begin(what string, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.total, p.done, p.quart, p.shown = what, total, 0, 0, time.Time{}
}

// step says that one more step is done, and which.
func (p *progress) step(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if p.terminal {
		if now := time.Now(); now.Sub(p.shown) >= refresh {
			p.shown = now
			fmt.Fprintf(p.w, "%s%s %d/%d %.50s", clearLine, p.what, p.done, p.total, name)
		}
		return
	}
	if q := 4 * p.done / p.total; q > p.quart {
		p.quart = q
		fmt.Fprintf(p.w, "%s %d/%d\n", p.what, p.done, p.total)
	}
}

// end removes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.w, clearLine)
	}
}

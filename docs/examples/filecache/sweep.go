package filecache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

const (
	// tempAge is the age of a temporary file that is no longer being written.
	tempAge = time.Hour
	// sweepFiles is the number of files that a store checks. With two, all files of
	// a folder are checked after half as many stores.
	sweepFiles = 2
)

// A sweeper goes through the folder, round after round.
type sweeper struct {
	mu     sync.Mutex
	round  *os.File // the folder, open at the next file to check
	closed bool
}

// removeSomeExpired removes the files of items that have expired and are never read.
// Stores call it, so that no goroutine is needed. It does nothing while another call is
// running, so that no store waits.
func (f *folder) removeSomeExpired(op driver.Op) error {
	if !f.sweep.mu.TryLock() {
		return nil
	}
	defer f.sweep.mu.Unlock()
	files, err := f.sweep.next(f.dir)
	if err != nil {
		return outage(op, err)
	}
	for _, file := range files {
		if err := f.removeExpired(op, file); err != nil {
			return err
		}
	}
	return nil
}

// next returns the names of the next files.
func (s *sweeper) next(dir string) ([]string, error) {
	if s.closed {
		return nil, nil
	}
	if s.round == nil {
		round, err := os.Open(dir)
		if err != nil {
			return nil, err
		}
		s.round = round
	}
	names, err := s.round.Readdirnames(sweepFiles)
	if err == io.EOF {
		err = s.round.Close()
		s.round = nil
	}
	return names, err
}

// removeExpired removes file if its item has expired.
func (f *folder) removeExpired(op driver.Op, file string) error {
	name := filepath.Join(f.dir, file)
	switch {
	case strings.HasSuffix(file, itemSuffix):
		return f.locked(file, func() error {
			gone, err := expired(name)
			if err != nil {
				return outage(op, err)
			}
			if !gone {
				return nil
			}
			return f.remove(op, file)
		})
	case strings.HasSuffix(file, tempSuffix):
		// It may be left from a program that ended while it wrote.
		info, err := os.Stat(name)
		if err == nil && time.Since(info.ModTime()) > tempAge {
			return f.remove(op, file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return outage(op, err)
		}
	}
	return nil
}

// expired reports whether the file holds an expired item, or is too short for one.
func expired(name string) (bool, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close() // it is only read, so nothing can be lost
	end, err := readExpiry(file)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return true, nil
	}
	return past(end), err
}

func (s *sweeper) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.round == nil {
		return nil
	}
	err := s.round.Close()
	s.round = nil
	return err
}

package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/memcached/internal/conn"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// counters are the counts of a server since it was made.
type counters struct {
	opened, closedConns                                     atomic.Uint64
	waits                                                   atomic.Uint64
	waitTime                                                atomic.Int64
	dials, timedOut, lostCalls, invalid, rejected, canceled atomic.Uint64
}

// failure makes a Failure of err and counts it.
func (s *Server) failure(ctx context.Context, err error, unsent bool) *Failure {
	f := &Failure{Err: err, Unsent: unsent}
	var refused *DownError
	var silent *conn.SilentError
	var slow *TimeoutError
	var lost *conn.LostError
	var malformed *protocol.MalformedError
	switch {
	case errors.Is(err, driver.ErrClosed):
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		f.Ended = true
		s.canceled.Add(1)
	case errors.As(err, &refused) && !nobodyListens(err):
		s.rejected.Add(1)
	case errors.As(err, &silent), errors.As(err, &slow):
		s.timedOut.Add(1)
	case errors.As(err, &lost):
		s.lostCalls.Add(1)
	case errors.As(err, &malformed), errors.Is(err, conn.ErrUnsolicited):
		s.invalid.Add(1)
	default:
		s.dials.Add(1)
	}
	return f
}

// waited counts a call that waited for room on a connection.
func (s *Server) waited(d time.Duration) {
	s.waits.Add(1)
	s.waitTime.Add(int64(d))
}

// Stats returns the statistics of the connections.
func (s *Server) Stats() driver.ServerStats {
	st := driver.ServerStats{
		Server:  s.Name,
		MaxOpen: len(s.lanes),
		Opened:  s.opened.Load(),
		Closed:  s.closedConns.Load(),

		WaitCount:    s.waits.Load(),
		WaitDuration: time.Duration(s.waitTime.Load()),

		Failures: driver.Failures{
			Dial:     s.dials.Load(),
			Timeout:  s.timedOut.Load(),
			Lost:     s.lostCalls.Load(),
			Protocol: s.invalid.Load(),
			Rejected: s.rejected.Load(),
			Canceled: s.canceled.Load(),
		},
	}
	for _, l := range s.lanes {
		c := l.cur.Load()
		if c == nil || c.Failed() {
			continue
		}
		st.Open++
		if c.Busy() {
			st.InUse++
		} else {
			st.Idle++
		}
	}
	return st
}

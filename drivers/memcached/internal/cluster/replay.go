package cluster

import (
	"github.com/larder-go/larder/drivers/memcached/internal/conn"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// replays are the keys of deletes that failed, to be deleted before anything else on the
// next connection; or at once, if the connection is there. Server.mu guards it.
type replays struct {
	most    int
	keys    map[string]struct{}
	running bool // they are being sent on the connection of the lane
}

// Remember notes that the delete of a key failed. It reports whether there was room for it.
func (s *Server) Remember(key string) bool {
	if s.cfg.Replays == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[s.Lane(key)]
	r := &l.replay
	if _, ok := r.keys[key]; !ok && len(r.keys) >= r.most {
		return false
	}
	if r.keys == nil {
		r.keys = make(map[string]struct{})
	}
	r.keys[key] = struct{}{}
	l.startReplay()
	return true
}

// startReplay begins to delete what was remembered after the connection was made: by a call
// whose context ended, or that learned late that the last connection was lost. The caller
// holds Server.mu.
func (l *lane) startReplay() {
	c := l.cur.Load()
	if len(l.replay.keys) == 0 || l.replay.running || c == nil || c.Failed() || l.server.closed {
		return
	}
	l.replay.running = true
	l.server.wg.Go(func() {
		for {
			done, err := l.sendReplays(c)
			l.server.mu.Lock()
			if err != nil || done == 0 || len(l.replay.keys) == 0 {
				l.replay.running = false
				l.server.mu.Unlock()
				return
			}
			l.server.mu.Unlock()
		}
	})
}

// sendReplays deletes the keys whose deletes failed, and returns how many are known to be
// gone. The others stay.
func (l *lane) sendReplays(c *conn.Conn) (done int, err error) {
	s := l.server
	s.mu.Lock()
	keys := make([]string, 0, len(l.replay.keys))
	for key := range l.replay.keys {
		keys = append(keys, key)
	}
	s.mu.Unlock()
	if len(keys) == 0 {
		return 0, nil
	}
	gone := make([]bool, len(keys))
	_, _, err = c.DoMany(s.life, &conn.Batch{
		Verb: protocol.Delete, N: len(keys),
		Request: func(i int, r *protocol.Request) { r.Key = keys[i] },
		Result: func(i int, replies []protocol.Reply) {
			st := replies[0].Status
			gone[i] = st == protocol.OK || st == protocol.Miss
		},
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, key := range keys {
		if gone[i] {
			delete(l.replay.keys, key)
			done++
		}
	}
	return done, err
}

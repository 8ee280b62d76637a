package conn

import "runtime"

// maxRounds bounds how often a caller that is the writer writes what others have gathered
// meanwhile.
const maxRounds = 8

// take takes what is gathered, to be written, and cuts out the calls that are gone. The
// caller is the writer, and holds mu.
func (c *Conn) take() []byte {
	if c.abandoned > 0 {
		c.cut()
	}
	if c.tls {
		c.records = c.queued.records(c.records[:0])
	}
	taken := c.out
	c.out, c.spare = c.spare[:0], nil
	c.sentSeq = c.seq
	c.sent.append(&c.queued)
	return taken
}

// cut removes the calls that are gone from those that are gathered.
func (c *Conn) cut() {
	kept := list{}
	from, to := 0, 0
	for c.queued.head != nil {
		call := c.queued.pop()
		size := call.size
		if call.state.Load() == gone {
			c.enqueued -= uint64(len(call.replies))
			call.Free()
		} else {
			copy(c.out[to:], c.out[from:from+size])
			to += size
			kept.push(call)
		}
		from += size
	}
	c.out = c.out[:to]
	c.queued = kept
	c.abandoned = 0
}

// giveBack keeps a buffer that was written for the next requests. The caller holds mu.
func (c *Conn) giveBack(buf []byte) {
	if cap(buf) <= keepBuffer && c.err == nil {
		c.spare = buf[:0]
	}
	if c.room.n.Load() > 0 {
		c.callNext()
	}
}

// write writes the requests that are gathered, as the writer. Taken holds those that were
// taken already. If it is nil, there are other calls, and write first lets those run that
// are about to enqueue. It touches no call: the reply may arrive, and the call be used
// again, before the write returns.
func (c *Conn) write(taken []byte) {
	if taken == nil {
		runtime.Gosched()
		c.mu.Lock()
		taken = c.take()
		c.mu.Unlock()
	}
	for round := 1; ; round++ {
		var n int
		if c.raw.ok() && round <= maxRounds {
			var err error
			if n, err = c.raw.write(taken); err != nil {
				c.fail(lost(err))
				return // the role is worth nothing now
			}
		}
		if n < len(taken) {
			rest := taken // so that taken itself is not moved to the heap
			// If the connection has ended, the role is worth nothing.
			c.spawn(func() { c.flush(rest, n) })
			return
		}
		if taken = c.written(taken); taken == nil {
			return
		}
	}
}

// flush is write as a goroutine that may block. The first n bytes of taken are written.
func (c *Conn) flush(taken []byte, n int) {
	for taken != nil {
		var err error
		if c.tls {
			err = c.writeRecords(taken)
		} else {
			_, err = c.nc.Write(taken[n:])
		}
		if err != nil {
			c.fail(lost(err))
			return
		}
		n = 0
		taken = c.written(taken)
	}
}

// maxRecord is the largest number of bytes in a record of TLS.
const maxRecord = 16 << 10

// records appends where records of TLS are to end if they hold whole commands, as many as
// fit. Memcached before 1.6.39 reads the rest of a value that began in another record
// together with the commands after it, and forgets these until more data arrives. A call
// that is larger than a record has a large value, and nothing else but a second command.
func (l *list) records(ends []int) []int {
	from, to := 0, 0
	add := func(size int) {
		if to > from && to-from+size > maxRecord {
			ends = append(ends, to)
			from = to
		}
		to += size
	}
	for call := l.head; call != nil; call = call.next {
		second := 0
		if call.size > maxRecord {
			second = call.second
		}
		add(call.size - second)
		add(second)
	}
	return append(ends, to)
}

// writeRecords writes b in records that end where take has found.
func (c *Conn) writeRecords(b []byte) error {
	from := 0
	for _, to := range c.records {
		if _, err := c.nc.Write(b[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// written gives back a buffer, and takes the next one or lets go of the role.
func (c *Conn) written(buf []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.giveBack(buf)
	if len(c.out) > 0 && c.err == nil {
		if taken := c.take(); len(taken) > 0 {
			return taken
		}
	}
	c.writing = false
	return nil
}

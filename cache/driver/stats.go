package driver

import "time"

// Stats are statistics of a cache since it was made, except where a field says
// otherwise.
type Stats struct {
	// Counted by caches in the process. A driver for servers leaves them zero: a
	// server counts for all its clients together. A near view counts what it keeps.
	Hits   uint64 // gets that found the key; each key of a batch counts
	Misses uint64 // gets that did not find the key
	Writes uint64 // entries written: stores in any mode, swaps and counts that took effect

	Expirations      uint64 // entries removed because their TTL had passed
	EvictionsByCount uint64 // entries removed to keep within a bound on the number of entries
	EvictionsBySize  uint64 // entries removed to keep within a bound on bytes

	Entries uint64 // held now, including expired ones that are not yet removed
	Bytes   uint64 // held now, as the bound on bytes counts them

	// Servers are the connections to each server, in the order of the configuration.
	// Nil for a cache in the process.
	Servers []ServerStats
}

// ServerStats are statistics of the connections to one server.
type ServerStats struct {
	Server string // the address, as in [Error]

	// Connections now.
	MaxOpen int // the bound on open connections; 0 means no bound
	Open    int // established: in use and idle
	InUse   int
	Idle    int

	Opened uint64 // connections that were established
	Closed uint64 // connections that were closed, for whatever reason

	WaitCount    uint64        // calls that had to wait for a connection
	WaitDuration time.Duration // the total time that they waited

	Failures Failures
}

// Failures counts calls to a server that failed, by what failed.
type Failures struct {
	Dial        uint64 // the connection could not be established
	PoolTimeout uint64 // no connection was free in time
	Timeout     uint64 // the server did not reply in time
	Lost        uint64 // the connection was closed or reset during the call
	Protocol    uint64 // the reply was invalid
	Refused     uint64 // the server replied that it could not do it, for example for lack of memory
	Rejected    uint64 // failed at once, because the server is known to be down
	Canceled    uint64 // the context of the caller ended first
}

// Total returns the sum of the counts.
func (f Failures) Total() uint64 {
	return f.Dial + f.PoolTimeout + f.Timeout + f.Lost + f.Protocol + f.Refused + f.Rejected + f.Canceled
}

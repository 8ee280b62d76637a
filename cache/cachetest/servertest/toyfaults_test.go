package servertest

// toyFaults are the faults that a toyDriver may have.
type toyFaults struct {
	missInOutage     bool // an outage looks like a miss
	unnamed          bool // errors do not name the server
	namesAnother     bool // errors name the first server, whichever failed
	movesKeys        bool // the keys of a server that fails go to another one
	dropsErrors      bool // a batch has no error for the keys of a server that failed
	failsBatch       bool // a batch ends with the first value that is rejected
	neverRecovers    bool // a server that failed is not asked again
	noSecondTry      bool // a lost connection is an error of idempotent calls too
	keepsLost        bool // the other connections of a server that was restarted stay idle
	countsTwice      bool // counts are sent again on a lost connection
	swapsTwice       bool // and so are compare-and-swaps
	oldTokens        bool // tokens outlive their server
	deadTokens       bool // no token is ever valid
	noBackOff        bool // every caller asks a server that does not reply
	noTimeout        bool // calls wait for a reply without end
	noDeadline       bool // calls do not end with their context
	plainContext     bool // the error of a context does not name the server
	takesLate        bool // a connection is used again after its call gave up
	takesCut         bool // a reply that is cut off is an empty one
	takesGarbage     bool // bytes that are not a reply are a success
	largeIsOutage    bool // a value that is rejected looks like an outage
	dialsAtOpen      bool // opening a cache connects
	leaksConns       bool // Close leaves idle connections open
	leaksGoroutines  bool // each connection has a goroutine that never ends
	closedIsPanic    bool // a call after Close finds no pool and is an outage
	countsUnexact    bool // statistics forget a part of the connections that were closed
	countsFailures2  bool // statistics count failures twice
	largeCountsStick bool // counters stop at 2^64-1
	losesCounts      bool // counts are a get and a set
	pingsFirst       bool // Ping and Flush end with the first server that is down
	bareLost         bool // a lost connection is not an outage
	guessesCounts    bool // a count that failed returns a number
	doublesCounts    bool // a count after a lost connection is sent twice
	truncates        bool // values end after 64 KiB
	failsBusy        bool // a call that finds the pool in use is an outage
	sharesReplies    bool // a reply is taken for that of any key
}

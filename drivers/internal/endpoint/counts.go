package endpoint

import (
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
)

// kind is a kind of failure, as [driver.Failures] tells them apart.
type kind uint8

const (
	notConnected kind = iota
	poolTimeout
	timeout
	lost
	protocol
	refused
	rejected
	canceled
	kinds // their number
)

// counts counts failures. Calls that succeed do not touch it.
type counts [kinds]atomic.Uint64

func (c *counts) add(k kind) { c[k].Add(1) }

func (c *counts) snapshot() driver.Failures {
	return driver.Failures{
		Dial:        c[notConnected].Load(),
		PoolTimeout: c[poolTimeout].Load(),
		Timeout:     c[timeout].Load(),
		Lost:        c[lost].Load(),
		Protocol:    c[protocol].Load(),
		Refused:     c[refused].Load(),
		Rejected:    c[rejected].Load(),
		Canceled:    c[canceled].Load(),
	}
}

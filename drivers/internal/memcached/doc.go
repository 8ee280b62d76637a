// Package memcached holds what the drivers for memcached share, whichever protocol and
// client library they use: server addresses and how a DSN lists them, expiry times, the
// flags and values of Python programs, counters, and tokens.
package memcached

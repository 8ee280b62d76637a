// Package wire implements the text protocol of memcached: the requests that the driver writes
// itself, and the replies, both to these and to the requests of the client library.
package wire

// Package ring finds the server that holds a key in the way of libmemcached (1.1.4),
// so that pylibmc, and every other client on libmemcached, looks for it in the same
// place.
//
// A ring is a sorted list of points, each of which belongs to a server. A key belongs
// to the server of the first point at or after its hash, past the last point to that
// of the first.
//
//	scheme           key hash        points
//	Ketama           one-at-a-time   plain, by one-at-a-time
//	KetamaWeighted   MD5             weighted, by MD5
//	KetamaMD5        MD5             plain, by MD5
//
// With a weight above 1 anywhere, every scheme makes weighted points, by MD5; the
// hash of the key stays.
package ring

import (
	"cmp"
	"crypto/md5" //nolint:gosec // a distribution that other clients share, not a secret
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/larder-go/larder/internal/memcached"
)

// Scheme is a way to make points and to hash keys.
type Scheme uint8

const (
	Ketama         Scheme = iota // behaviors={'ketama': True} in pylibmc
	KetamaWeighted               // behaviors={'ketama_weighted': True}
	KetamaMD5                    // behaviors={'ketama': True, 'hash': 'md5'}
)

// MaxServers is how many servers a ring of libmemcached takes.
const MaxServers = 100

// name is what the points of a server are made from: the address as it is configured.
// Names are not resolved and their case counts, so the same server under another name
// is another server.
func name(s memcached.Server) string {
	switch {
	case s.Path != "":
		return s.Path + ":0"
	case s.Port == memcached.DefaultPort:
		return s.Host
	}
	return s.Host + ":" + strconv.Itoa(s.Port)
}

// weight is that of a server; none counts as 1.
func weight(s memcached.Server) int { return max(s.Weight, 1) }

// Ring answers which server holds a key. It does not change and may be used by many
// goroutines.
type Ring struct {
	points []point
	hash   func(string) uint32
}

type point struct {
	value  uint32
	server uint32 // position in the list of servers
}

// New makes the ring of servers. Apart from equal points, which go to the server that
// is listed first, their order has no meaning.
func New(scheme Scheme, servers []memcached.Server) (*Ring, error) {
	if len(servers) == 0 {
		return nil, errors.New("no servers")
	}
	if len(servers) > MaxServers {
		return nil, fmt.Errorf("%d servers: libmemcached's ring takes at most %d", len(servers), MaxServers)
	}
	r := &Ring{hash: md5Hash}
	if scheme == Ketama {
		r.hash = oneAtATime
	}
	heavier := func(s memcached.Server) bool { return weight(s) > 1 }
	if scheme == KetamaWeighted || slices.ContainsFunc(servers, heavier) {
		r.points = weightedPoints(servers)
	} else {
		r.points = plainPoints(servers, r.hash)
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.server, b.server))
	})
	return r, nil
}

// Pick returns the position of the server that holds key. It does not allocate.
func (r *Ring) Pick(key string) int {
	h := r.hash(key)
	low, high := 0, len(r.points) // the first point at or after h is in [low, high]
	for low < high {
		mid := (low + high) / 2
		if r.points[mid].value < h {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(r.points) {
		low = 0
	}
	return int(r.points[low].server)
}

// plainPoints makes 100 points for each server.
func plainPoints(servers []memcached.Server, hash func(string) uint32) []point {
	const perServer = 100
	points := make([]point, 0, perServer*len(servers))
	for i, s := range servers {
		prefix := name(s) + "-"
		for j := range perServer {
			points = append(points, point{hash(prefix + strconv.Itoa(j)), uint32(i)})
		}
	}
	return points
}

// weightedPoints makes points in proportion to the weights, four from each MD5 sum.
func weightedPoints(servers []memcached.Server) []point {
	var total uint64
	for _, s := range servers {
		total += uint64(weight(s))
	}
	var points []point
	for i, s := range servers {
		prefix := name(s) + "-"
		for j := range groups(weight(s), total, len(servers)) {
			sum := md5.Sum([]byte(prefix + strconv.Itoa(j)))
			for b := 0; b < len(sum); b += 4 {
				points = append(points, point{binary.LittleEndian.Uint32(sum[b:]), uint32(i)})
			}
		}
	}
	return points
}

// groups is how many sums a server of the given weight gets among n servers: 40 each
// for equal weights, but 39 for a few n, and none at all for a very light server,
// because libmemcached computes in single precision. The conversions round each step
// as C does; without them Go may fuse a multiplication and an addition.
func groups(weight int, total uint64, n int) int {
	share := float32(float32(weight) / float32(total))
	x := float32(share * 160)
	x = float32(x / 4)
	x = float32(x * float32(n))
	x = float32(x + float32(1e-10))
	return int(math.Floor(float64(x)))
}

package distribution

import (
	"cmp"
	"crypto/md5" //nolint:gosec // a distribution that other clients share, not a secret
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// MaxServers is the largest number of servers in a ring of libmemcached.
const MaxServers = 100

// pointName returns what the points of a server are made from: the address as it is
// configured. Names are not resolved and their case counts, so the same server under
// another name is another server.
func pointName(s memcached.Server) string {
	switch {
	case s.Path != "":
		return s.Path + ":0"
	case s.Port == memcached.DefaultPort:
		return s.Host
	}
	return s.Host + ":" + strconv.Itoa(s.Port)
}

// weight returns the weight of a server; 0 counts as 1.
func weight(s memcached.Server) int { return max(s.Weight, 1) }

// ring is the distribution of libmemcached (1.1.4), which pylibmc and every other client
// on libmemcached uses.
//
// A ring is a sorted list of points, each of which belongs to a server. A key belongs to
// the server of the first point at or after its hash; past the last point, to that of the
// first.
//
//	name            key hash        points
//	Ketama          one-at-a-time   plain, by one-at-a-time
//	KetamaWeighted  MD5             weighted, by MD5
//	KetamaMD5       MD5             plain, by MD5
//
// If any weight is above 1, every scheme has weighted points, by MD5; the hash of the key
// stays.
type ring struct {
	points []point
	hash   func(string) uint32
}

type point struct {
	value  uint32
	server uint32 // position in the list of servers
}

// newRing makes the ring of servers. Apart from equal points, which go to the server that
// is listed first, the order of servers has no meaning.
func newRing(name string, servers []memcached.Server) (*ring, error) {
	if len(servers) > MaxServers {
		return nil, fmt.Errorf("%d servers: a ring of libmemcached has at most %d", len(servers), MaxServers)
	}
	r := &ring{hash: md5Hash}
	if name == Ketama {
		r.hash = oneAtATime
	}
	heavier := func(s memcached.Server) bool { return weight(s) > 1 }
	if name == KetamaWeighted || slices.ContainsFunc(servers, heavier) {
		r.points = weightedPoints(servers)
	} else {
		r.points = plainPoints(servers, r.hash)
	}
	slices.SortFunc(r.points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.server, b.server))
	})
	return r, nil
}

// Pick implements [Distribution].
func (r *ring) Pick(key string) int {
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
		prefix := pointName(s) + "-"
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
		prefix := pointName(s) + "-"
		for j := range groups(weight(s), total, len(servers)) {
			sum := md5.Sum([]byte(prefix + strconv.Itoa(j)))
			for b := 0; b < len(sum); b += 4 {
				points = append(points, point{binary.LittleEndian.Uint32(sum[b:]), uint32(i)})
			}
		}
	}
	return points
}

// groups returns how many MD5 sums a server of the given weight gets among n servers: 40
// for equal weights, but 39 for a few n, and none for a very light server, because
// libmemcached computes in single precision. The conversions round each step
// as C does; without them Go may fuse a multiplication and an addition.
func groups(weight int, total uint64, n int) int {
	share := float32(float32(weight) / float32(total))
	x := float32(share * 160)
	x = float32(x / 4)
	x = float32(x * float32(n))
	x = float32(x + float32(1e-10))
	return int(math.Floor(float64(x)))
}

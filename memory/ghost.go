package memory

// ghost is a set of hashes of evicted entries: a table of small sets, each
// first-in-first-out.
type ghost struct {
	sets [][ghostWays]uint32
}

const ghostWays = 8

func (g *ghost) bytes() int { return len(g.sets) * ghostWays * 4 }

func (g *ghost) set(hash uint64) (set *[ghostWays]uint32, tag uint32) {
	return &g.sets[hash>>32*uint64(len(g.sets))>>32], uint32(hash)>>4 | 1
}

func (g *ghost) has(hash uint64) bool {
	if len(g.sets) == 0 {
		return false
	}
	set, tag := g.set(hash)
	for _, t := range set {
		if t == tag {
			return true
		}
	}
	return false
}

// add notes a hash. The list is to hold nine hashes for ten entries of the cache: with
// more, a loop of twice the size of the cache would make every entry one that came back.
// When the cache holds more entries, or half as many, it begins anew.
func (g *ghost) add(hash uint64, entries int) {
	if n := entries*9/10/ghostWays + 1; n > len(g.sets)*9/8 || n < len(g.sets)/2 {
		g.sets = make([][ghostWays]uint32, n)
	}
	set, tag := g.set(hash)
	copy(set[1:], set[:])
	set[0] = tag
}

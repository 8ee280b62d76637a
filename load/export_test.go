package load

// SetRandom replaces the source of versions, of owners and of jitter.
func (l *Loader[V]) SetRandom(random func() uint64) { l.core.random = random }

// IsTaken reports whether an item is a lease, or has the mark of somebody who loads it.
func IsTaken(b []byte) bool {
	var h header
	parse(b, &h)
	return h.form == ours && h.mark.owner != 0
}

package memory

import "sync/atomic"

// index finds the words of a shard. Readers look at the tables without a lock; what
// changes them needs the lock of the shard.
type index struct {
	// By the top bits of the hash, which choose one of the parts.
	tables [parts]atomic.Pointer[table]
	_      [64]byte

	live   int  // words
	bytes  int  // of all tables
	sparse bool // a table may have become so
}

// word returns the word that names a place, or nil.
func (x *index) word(hash, place uint64) *uint64 {
	if t := x.tables[partOf(hash)].Load(); t != nil {
		return t.find(hash, place)
	}
	return nil
}

// each calls visit with the words of a hash until it returns false.
func (x *index) each(hash uint64, visit func(word *uint64, w uint64) bool) {
	t := x.tables[partOf(hash)].Load()
	if t == nil {
		return
	}
	for g := t.first(hash); ; {
		group := &t.groups[g]
		control := atomic.LoadUint64(&group[0])
		for m := matches(control, tagOf(hash)); m != 0; m &= m - 1 {
			word := &group[slotOf(m)&7]
			if w := atomic.LoadUint64(word); (w^hash)&hashMask|w&live == live && !visit(word, w) {
				return
			}
		}
		if control < overflow {
			return
		}
		if g = t.next(g); g == t.first(hash) {
			return
		}
	}
}

// insert puts a word for a new key into the index.
func (x *index) insert(hash, w uint64) {
	t := x.tables[partOf(hash)].Load()
	if t == nil || t.full() {
		x.rebuild(t)
		t = x.tables[partOf(hash)].Load()
	}
	t.insert(w)
	x.live++
}

// remove frees a word.
func (x *index) remove(word *uint64) {
	t := x.tables[partOf(atomic.LoadUint64(word))].Load()
	t.remove(word)
	x.live--
	x.sparse = x.sparse || t.sparse()
}

// shrink gives memory back after removals; words that were found before are void afterwards.
func (x *index) shrink() {
	if !x.sparse {
		return
	}
	x.sparse = false
	for i := range x.tables {
		if t := x.tables[i].Load(); t != nil && t.sparse() {
			x.rebuild(t)
		}
	}
}

// rebuild replaces a table, or none, by one of the right size, or by two.
func (x *index) rebuild(old *table) {
	if old == nil {
		old = &table{parts: parts} // of no size
	}
	replaced := old.split()
	old.moveTo(func(w uint64) *table { return replaced[old.half(w, len(replaced))] })
	for _, t := range replaced {
		x.bytes += t.size()
		for i := range t.parts {
			x.tables[t.part+i].Store(t)
		}
	}
	x.bytes -= old.size()
}

// clear removes every word.
func (x *index) clear() {
	for i := range x.tables {
		if t := x.tables[i].Swap(nil); t != nil {
			t.moveTo(nil)
		}
	}
	x.live, x.bytes, x.sparse = 0, 0, false
}

// mayHave reports false only if no key of that hash was in the index throughout the call.
// It needs no lock.
func (x *index) mayHave(hash uint64) bool {
	t := x.tables[partOf(hash)].Load()
	if t == nil {
		return false
	}
	for g := t.first(hash); ; {
		group := &t.groups[g]
		control := atomic.LoadUint64(&group[0])
		if control == moved {
			return true
		}
		for m := matches(control, tagOf(hash)); m != 0; m &= m - 1 {
			if w := atomic.LoadUint64(&group[slotOf(m)&7]); w == gone || (w^hash)&hashMask|w&live == live {
				return true
			}
		}
		if control < overflow {
			return false
		}
		if g = t.next(g); g == t.first(hash) {
			return false
		}
	}
}

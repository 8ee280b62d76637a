package memory

import (
	"maps"
	"testing"
)

// consistent checks that what the parts of the cache count agrees.
func (s *store) consistent(t *testing.T) {
	t.Helper()
	var entries, bytes int64
	wires, masters := map[wireRef]int{}, map[uint64]int32{}
	for i := range s.shards {
		sh := &s.shards[i]
		words, live := sh.checkIndex(t)
		inSlabs := sh.checkLog(t)
		if words != sh.index.live || live != inSlabs {
			t.Errorf("shard %d: %d words, counted %d; %d bytes of records that they name, counted %d", i, words, sh.index.live, live, inSlabs)
		}
		if p := &sh.evict.entries; p.bounded() && sh.index.live > p.size() {
			t.Errorf("shard %d has %d entries, more than its part of %d", i, sh.index.live, p.size())
		}
		if p := &sh.evict.bytes; p.bounded() && sh.bytes() > p.size() {
			t.Errorf("shard %d has %d bytes, more than its part of %d", i, sh.bytes(), p.size())
		}
		entries += sh.evict.entries.have.Load()
		bytes += sh.evict.bytes.have.Load()
		sh.eachWire(func(ref wireRef) {
			wires[ref]++
			masters[ref.master]++
		})
	}
	checkRoom(t, "entries", s.entries, entries, len(s.shards))
	checkRoom(t, "bytes", s.bytes, bytes, len(s.shards))
	counted := map[uint64]int32{}
	for i := range s.wires.stripes {
		stripe := &s.wires.stripes[i]
		maps.Copy(counted, stripe.masters)
		for ref := range stripe.made {
			if wires[ref] == 0 {
				t.Error("a wire that was made and is gone is not forgotten")
			}
		}
	}
	if !maps.Equal(counted, masters) {
		t.Errorf("wires by master are %v, counted %v", masters, counted)
	}
}

// checkRoom checks that the parts and what is free make the limit.
func checkRoom(t *testing.T, name string, r *room, parts int64, shards int) {
	t.Helper()
	if r == nil {
		return
	}
	if total := parts + r.free.Load(); total < r.fair*int64(shards) || total >= (r.fair+1)*int64(shards) {
		t.Errorf("%s: the parts have %d, %d is free; want %d times %d in all", name, parts, r.free.Load(), shards, r.fair)
	}
}

// checkIndex returns how many words there are, and the length of what they name.
func (sh *shard) checkIndex(t *testing.T) (words, live int) {
	t.Helper()
	size := 0
	for i := range sh.index.tables {
		tb := sh.index.tables[i].Load()
		if tb == nil || tb.part != i {
			continue
		}
		n := 0
		overflows := make([]uint64, len(tb.groups))
		for g, group := range tb.groups {
			for i, w := range group[1:] {
				if tag := group[0] >> (8 * i) & 0xff; (w != 0) != (tag != 0) || w != 0 && tag != tagOf(w)&0xff {
					t.Errorf("word %x with tag %x", w, tag)
				}
				if w == 0 {
					continue
				}
				n++
				r := sh.log.slabs[slabOf(w)].record(offsetOf(w))
				live += sh.log.size(r)
				if r.is(dead) {
					t.Error("a word names a dead record")
				}
				for at := tb.first(w); at != uint64(g); at = tb.next(at) {
					overflows[at]++
				}
			}
		}
		for g, n := range overflows {
			if count := tb.groups[g][0] >> 56; count != n && count != saturated {
				t.Errorf("%d keys went past a group, counted %d", n, count)
			}
		}
		if n != tb.live {
			t.Errorf("table: %d words, counted %d", n, tb.live)
		}
		words += n
		size += tb.size()
	}
	if size != sh.index.bytes {
		t.Errorf("tables of %d bytes, counted %d", size, sh.index.bytes)
	}
	return words, live
}

// checkLog returns the length of live records.
func (sh *shard) checkLog(t *testing.T) (live int) {
	t.Helper()
	l := &sh.log
	for _, q := range l.queues() {
		inQueue, size, entries := 0, 0, 0
		for s := q.head; s != nil; s = s.next {
			size += s.size()
			if l.slabs[s.id] != s || s.queue != q {
				t.Errorf("slab %d is lost", s.id)
			}
			inSlab := 0
			for offset := 0; offset < s.end(); {
				r := s.record(offset)
				n := l.size(r)
				if !r.is(dead) {
					inSlab += n
					entries++
				}
				offset += n
			}
			if inSlab != int(s.live) {
				t.Errorf("slab %d has %d live bytes, counted %d", s.id, inSlab, s.live)
			}
			inQueue += inSlab
		}
		if inQueue != q.live || size != q.bytes || entries != q.entries {
			t.Errorf("queue: %d live bytes, counted %d; %d bytes, counted %d; %d entries, counted %d", inQueue, q.live, size, q.bytes, entries, q.entries)
		}
		live += inQueue
	}
	return live
}

// eachWire calls visit with what the live wires of the shard connect.
func (sh *shard) eachWire(visit func(wireRef)) {
	for s := sh.log.wires.head; s != nil; s = s.next {
		for offset := 0; offset < s.end(); {
			r := s.record(offset)
			if r.is(wire) && !r.is(dead) {
				visit(sh.ref(r))
			}
			offset += sh.log.size(r)
		}
	}
}

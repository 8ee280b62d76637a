//go:build amd64 || arm64

package memory

import (
	"testing"
	"unsafe"
)

// Besides records and the index, a store changes two cache lines of 64 bytes, one of the
// shard and one of a slab, and no two shards or slabs share one.
func TestLayout(t *testing.T) {
	var sh shard
	begin := unsafe.Offsetof(sh.mu)
	end := unsafe.Offsetof(sh.log) + unsafe.Offsetof(sh.log.main) + unsafe.Offsetof(sh.log.main.tail)
	if begin%64 != 0 || end-begin > 64 {
		t.Errorf("from %d to %d, want within a cache line", begin, end)
	}
	if n := unsafe.Sizeof(sh); n%64 != 0 {
		t.Errorf("a shard has %d bytes, want whole cache lines", n)
	}
	if n := unsafe.Sizeof(slab{}); n != 64 { // the allocator aligns these
		t.Errorf("a slab has %d bytes, want a cache line", n)
	}
}

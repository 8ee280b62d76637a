//go:build amd64 || arm64

package memory

import (
	"testing"
	"unsafe"
)

// What every store touches lies in one cache line of 64 bytes, and no two shards share one.
func TestLayout(t *testing.T) {
	var sh shard
	begin, end := unsafe.Offsetof(sh.mu), unsafe.Offsetof(sh.slabs)+unsafe.Sizeof(sh.slabs)
	if begin%64 != 0 || end-begin > 64 {
		t.Errorf("from %d to %d, want within a cache line", begin, end)
	}
	if n := unsafe.Sizeof(sh); n%64 != 0 {
		t.Errorf("a shard has %d bytes, want whole cache lines", n)
	}
}

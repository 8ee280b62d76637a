package workload

import (
	"syscall"
	"unsafe"
)

// DrawOutside is Draw into memory that the garbage collector does not know of: a
// large live heap would let garbage pile up before it is collected. The memory is
// never given back.
func DrawOutside(n int, next func() int) (Sequence, error) {
	b, err := syscall.Mmap(-1, 0, n*KeySize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return Sequence{}, err
	}
	text := b[:0]
	for range n {
		text = appendKey(text, next())
	}
	return Sequence{unsafe.String(&b[0], len(b)), n}, nil
}

package soak

import (
	"bytes"
	"fmt"
	"strconv"
)

// A page shows two rows: the one of its number, and the first of its ten, as a list
// that many pages show.
const rowsOfPage = 2

func rowsOf(page int) [rowsOfPage]int {
	return [...]int{page, page - page%10}
}

// encodePage returns what is cached of a page: its number, the versions of its rows, and
// filling whose length and bytes follow from these.
func encodePage(page int, versions [rowsOfPage]uint64) []byte {
	head := fmt.Sprintf("%d %d %d ", page, versions[0], versions[1])
	return append([]byte(head), filling(page, versions)...)
}

func decodePage(b []byte) (page int, versions [rowsOfPage]uint64, err error) {
	if _, err := fmt.Sscanf(string(b[:min(len(b), 80)]), "%d %d %d ", &page, &versions[0], &versions[1]); err != nil {
		return 0, versions, fmt.Errorf("%d bytes %.40q: %w", len(b), b, err)
	}
	if !bytes.Equal(b, encodePage(page, versions)) {
		return 0, versions, fmt.Errorf("page %d has other bytes than were stored", page)
	}
	return page, versions, nil
}

func filling(page int, versions [rowsOfPage]uint64) []byte {
	unit := []byte(strconv.FormatUint(versions[0]*31+versions[1]+uint64(page), 36) + ".")
	return bytes.Repeat(unit, 1+(page*37%4000)/len(unit))
}

// Package keyrule holds the rule that every key must satisfy before it is sent to a
// backend.
package keyrule

import "fmt"

// MaxLen is the length in bytes of the longest valid key, as in memcached.
const MaxLen = 250

// Valid reports whether s is 1 to 250 bytes, none of them <= 0x20 or 0x7f. Every memcached
// protocol and client can send such a key.
//
// It checks eight bytes at a time, because every operation of every cache calls it: that
// takes 0.6 of the time of a loop over bytes for a key of 21 bytes
// (go test -bench Valid ./internal/keyrule).
func Valid(s string) bool {
	n := len(s)
	if n == 0 || n > MaxLen {
		return false
	}
	if n < 8 {
		for i := 0; i < n; i++ {
			if s[i] <= ' ' || s[i] == 0x7f {
				return false
			}
		}
		return true
	}
	bad := uint64(0)
	for i := 0; i+8 <= n; i += 8 {
		bad |= invalid(load(s[i : i+8]))
	}
	bad |= invalid(load(s[n-8:])) // the tail, which overlaps the bytes before it
	return bad == 0
}

// Problem describes what is wrong with an invalid key, without repeating the key.
func Problem(s string) string {
	if s == "" {
		return "it is empty"
	}
	if len(s) > MaxLen {
		return fmt.Sprintf("%d bytes after encoding, at most %d allowed; longer keys need a key encoding such as safe", len(s), MaxLen)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return fmt.Sprintf("byte 0x%02x at %d after encoding; spaces and control characters need a key encoding such as safe", s[i], i)
		}
	}
	return "it is valid"
}

func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// invalid returns a number other than 0 if one of the eight bytes of v is below 0x21 or is
// 0x7f. The two tests are "has less" and "has zero" of Bit Twiddling Hacks (S. E.
// Anderson), which are exact about whether there is such a byte.
func invalid(v uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	del := v ^ 0x7f*ones
	return ((v-0x21*ones)&^v | (del-ones)&^del) & high
}

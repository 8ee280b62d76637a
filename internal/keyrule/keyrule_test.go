package keyrule

import (
	"strings"
	"testing"
)

// slow is the rule, byte by byte.
func slow(s string) bool {
	if len(s) < 1 || len(s) > 250 {
		return false
	}
	for i := range len(s) {
		if s[i] <= 0x20 || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func TestEveryByteAtEveryIndex(t *testing.T) {
	for n := 1; n <= 26; n++ {
		for at := range n {
			for b := range 256 {
				k := []byte(strings.Repeat("\xffa~!\x80", 6)[:n])
				k[at] = byte(b)
				if got, want := Valid(string(k)), slow(string(k)); got != want {
					t.Fatalf("Valid(%q): %v, want %v", k, got, want)
				}
			}
		}
	}
}

func TestLength(t *testing.T) {
	for n, want := range map[int]bool{0: false, 1: true, 250: true, 251: false} {
		if got := Valid(strings.Repeat("k", n)); got != want {
			t.Errorf("Valid of %d bytes: %v, want %v", n, got, want)
		}
	}
}

func TestProblem(t *testing.T) {
	for k, want := range map[string]string{
		"":                       "empty",
		strings.Repeat("k", 251): "251 bytes after encoding, at most 250 allowed; longer keys need a key encoding such as safe",
		"a b":                    "0x20 at 1 after encoding; spaces and control characters need a key encoding such as safe",
		"ab\x7f":                 "0x7f at 2",
	} {
		if got := Problem(k); !strings.Contains(got, want) {
			t.Errorf("Problem(%q): %q, want one that says %q", k, got, want)
		}
	}
}

func FuzzValid(f *testing.F) {
	f.Add("key")
	f.Add("a key of more than eight bytes\x00")
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := Valid(s), slow(s); got != want {
			t.Errorf("Valid(%q): %v, want %v", s, got, want)
		}
		if Valid(s) != (Problem(s) == "it is valid") {
			t.Errorf("Valid(%q) is %v, and Problem returned %q", s, Valid(s), Problem(s))
		}
	})
}

func BenchmarkValid(b *testing.B) {
	k := "user:12345678:profile"
	b.Run("words", func(b *testing.B) {
		for b.Loop() {
			Valid(k)
		}
	})
	b.Run("bytes", func(b *testing.B) {
		for b.Loop() {
			slow(k)
		}
	})
}

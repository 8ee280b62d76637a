package workload

import "testing"

func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for id := range 10_000 {
		for _, n := range []int{id, absent + id} {
			key := Key(n)
			if len(key) != KeySize || seen[key] {
				t.Fatalf("key of %d: %q; seen before: %t", n, key, seen[key])
			}
			seen[key] = true
		}
	}
}

func TestSequence(t *testing.T) {
	next := 0
	count := func() int { next++; return next - 1 }
	inside := Draw(100, count)
	next = 0
	outside, err := DrawOutside(100, count)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Sequence{inside, outside} {
		if s.Len() != 100 {
			t.Errorf("Len: %d, want 100", s.Len())
		}
		for i := range s.Len() {
			if got, want := s.At(i), Key(i); got != want {
				t.Fatalf("At(%d): %q, want %q", i, got, want)
			}
		}
	}
}

func TestZipf(t *testing.T) {
	const n, draws = 1000, 200_000
	z := NewZipf(n, 1)
	next := z.Draw(Rand(1))
	counts := make([]float64, n)
	for range draws {
		counts[next()]++
	}
	// With s = 1 the first number comes twice as often as the second and ten
	// times as often as the tenth.
	first := counts[z.numbers[0]]
	for rank := range 10 {
		want := first / float64(rank+1)
		if got := counts[z.numbers[rank]]; got < 0.9*want || got > 1.1*want {
			t.Errorf("number of rank %d: drawn %v times, want about %v", rank+1, got, want)
		}
	}
	if z.numbers[0] == 0 && z.numbers[1] == 1 {
		t.Error("popular numbers are not scattered")
	}
}

func TestValue(t *testing.T) {
	for seed := range uint64(100) {
		if v := Value(Rand(seed), 128); len(v) != 128 || v[0] == 0 {
			t.Fatalf("value: %d bytes, the first %d", len(v), v[0])
		}
	}
}

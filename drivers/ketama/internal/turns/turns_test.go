package turns

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurnsComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		if waited, err := turns.Enter(t.Context(), time.Second); waited || err != nil {
			t.Fatalf("the first caller: waited %v, error %v", waited, err)
		}
		var order []int
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				if waited, err := turns.Enter(t.Context(), time.Hour); !waited || err != nil {
					t.Errorf("caller %d: waited %v, error %v", i, waited, err)
				}
				order = append(order, i)
				time.Sleep(time.Second)
				turns.Leave()
			})
			synctest.Wait()
		}
		turns.Leave()
		wg.Wait()
		for i, n := range order {
			if i != n {
				t.Errorf("the callers had their turns in the order %v", order)
			}
		}
		if n, d := turns.Waits(); n != 5 || d != (0+1+2+3+4)*time.Second {
			t.Errorf("%d waits of %v are counted, want 5 of 10s", n, d)
		}
	})
}

func TestWaitsEnd(t *testing.T) {
	for _, tt := range []struct {
		name  string
		end   func(turns *Turns, cancel func())
		after time.Duration
		want  error
	}{
		{"in time", func(*Turns, func()) {}, time.Minute, ErrTimeout},
		{"with the context", func(_ *Turns, cancel func()) { cancel() }, time.Second, context.Canceled},
		{"with Close", func(turns *Turns, _ func()) { turns.Close() }, time.Second, ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turns := New(1)
				if _, err := turns.Enter(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, func() { tt.end(turns, cancel) })
				began := time.Now()
				if _, err := turns.Enter(ctx, time.Minute); err != tt.want {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				if took := time.Since(began); took != tt.after {
					t.Errorf("it took %v, want %v", took, tt.after)
				}
				turns.Leave()
				if tt.want == ErrClosed {
					if _, err := turns.Enter(t.Context(), time.Minute); err != ErrClosed {
						t.Errorf("after Close: error %v, want %v", err, ErrClosed)
					}
					return
				}
				if waited, err := turns.Enter(t.Context(), time.Minute); waited || err != nil {
					t.Errorf("the turn was lost: waited %v, error %v", waited, err)
				}
			})
		})
	}
}

// A turn that is given back while a caller is about to wait is that caller's.
func TestTurnForACallerAboutToWait(t *testing.T) {
	turns := New(1)
	if _, err := turns.Enter(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	turns.free.Add(-1) // the first half of Enter
	turns.Leave()
	if waited, err := turns.enter(t.Context(), 0); waited || err != nil {
		t.Errorf("waited %v, error %v; want the turn", waited, err)
	}
	turns.Leave()
	if n := turns.free.Load(); n != 1 {
		t.Errorf("%d turns are free, want 1", n)
	}
}

// A caller whose time ends while a turn is on its way takes it: nobody else would.
func TestTurnAtTheEndOfAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New(1)
		if _, err := turns.Enter(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := turns.Enter(t.Context(), time.Second)
			done <- err
		}()
		synctest.Wait()
		turns.free.Add(1) // the first half of Leave
		time.Sleep(2 * time.Second)
		turns.handOver()
		if err := <-done; err != nil {
			t.Errorf("error %v, want the turn", err)
		}
		turns.Leave()
		if n := turns.free.Load(); n != 1 {
			t.Errorf("%d turns are free, want 1", n)
		}
	})
}

// No more callers than turns are in, and no turn is lost, whatever ends the waits.
func TestManyCallers(t *testing.T) {
	const n = 4
	turns := New(n)
	var in atomic.Int32
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(g*i%50)*time.Microsecond)
				if _, err := turns.Enter(ctx, time.Duration(i%20)*50*time.Microsecond); err == nil {
					if k := in.Add(1); k > n {
						t.Errorf("%d callers are in, want at most %d", k, n)
					}
					in.Add(-1)
					turns.Leave()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	for range n {
		if waited, err := turns.Enter(t.Context(), time.Minute); waited || err != nil {
			t.Fatalf("a turn was lost: waited %v, error %v", waited, err)
		}
	}
}

func TestAllocsOfWaiting(t *testing.T) {
	turns := New(1)
	if _, err := turns.Enter(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { turns.Enter(ctx, time.Microsecond) }); n > 0 { //nolint:errcheck // it times out
		t.Errorf("a wait makes %v allocations, want none", n)
	}
}

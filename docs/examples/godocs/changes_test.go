package main

import "testing"

func TestChanges(t *testing.T) {
	var c changes
	for i := range maxChanges + 2 {
		if id := c.add(change{Path: "p"}); id != i+1 {
			t.Fatalf("change %d has the ID %d", i+1, id)
		}
	}
	latest := c.latest()
	if len(latest) != maxChanges || latest[0].ID != maxChanges+2 || latest[maxChanges-1].ID != 3 {
		t.Errorf("%d changes are remembered, want the latest %d, newest first", len(latest), maxChanges)
	}
	if _, ok := c.get(2); ok {
		t.Error("an old change is remembered")
	}
	if ch, ok := c.get(3); !ok || ch.ID != 3 {
		t.Errorf("get(3) = %+v, %v", ch, ok)
	}
}

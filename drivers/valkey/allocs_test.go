package valkey_test

import (
	"strings"
	"testing"
	"time"

	vk "github.com/valkey-io/valkey-go"

	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/valkeytest"
	"github.com/larder-go/larder/internal/race"
)

// TestAllocsOverTheLibrary: an operation makes at most so many allocations more than the
// same command of the library.
func TestAllocsOverTheLibrary(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	bare, err := vk.NewClient(vk.ClientOption{
		InitAddress: []string{s.Addr()}, DisableCache: true, DisableRetry: true, AlwaysPipelining: true, ForceSingleClient: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	c := open(t, config(s))
	ctx := t.Context()
	value := []byte(strings.Repeat("v", 128))
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(c.Set(ctx, "k", value, 0))
	all := keys(100)
	values := valuesOf(all)
	check(c.SetMulti(ctx, values, 0))
	n := near(t, open(t, config(s)), valkey.NearConfig{MaxAge: time.Hour})
	kept(t, n, "k")
	getAll := func() {
		cmds := make(vk.Commands, len(all))
		for i, k := range all {
			cmds[i] = bare.B().Get().Key(k).Build()
		}
		for _, r := range bare.DoMulti(ctx, cmds...) {
			_, err := r.AsBytes()
			check(err)
		}
	}
	setAll := func() {
		cmds := make(vk.Commands, 0, len(values))
		for k, v := range values {
			cmds = append(cmds, bare.B().Set().Key(k).Value(string(v)).Build())
		}
		for _, r := range bare.DoMulti(ctx, cmds...) {
			check(r.Error())
		}
	}
	for _, op := range []struct {
		name       string
		more       float64
		bare, ours func()
	}{
		{
			"Get", 0,
			func() { _, err := bare.Do(ctx, bare.B().Get().Key("k").Build()).AsBytes(); check(err) },
			func() { _, err := c.Get(ctx, "k"); check(err) },
		},
		{
			"Get of an absent key", 0,
			func() { _ = bare.Do(ctx, bare.B().Get().Key("absent").Build()).Error() },
			func() { _, _ = c.Get(ctx, "absent") },
		},
		{
			"Set", 0,
			func() { check(bare.Do(ctx, bare.B().Set().Key("k").Value(string(value)).Build()).Error()) },
			func() { check(c.Set(ctx, "k", value, 0)) },
		},
		{
			"Delete of an absent key", 0,
			func() { check(bare.Do(ctx, bare.B().Del().Key("absent").Build()).Error()) },
			func() { _ = c.Delete(ctx, "absent") },
		},
		{"Get of a value that is kept", 0, func() {}, func() { _, err := n.Get(ctx, "k"); check(err) }},
		{"SetMulti of 100 keys", 20, setAll, func() { check(c.SetMulti(ctx, values, time.Hour)) }},
		{"GetMulti of 100 keys", 20, getAll, func() { _, err := c.GetMulti(ctx, all); check(err) }},
	} {
		theirs, ours := testing.AllocsPerRun(200, op.bare), testing.AllocsPerRun(200, op.ours)
		t.Logf("%s: the library %v, the driver %v", op.name, theirs, ours)
		if ours > theirs+op.more {
			t.Errorf("%s: %v allocations; the library makes %v, want at most %v more", op.name, ours, theirs, op.more)
		}
	}
}

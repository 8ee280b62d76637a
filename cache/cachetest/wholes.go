package cachetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
)

var wholeCases = []test{
	{
		name: "flush/everything",
		rule: "Flush removes everything in the cache, and leaves it usable",
		run:  flushEverything,
	},
	{
		name: "ping/reachable",
		rule: "Ping returns nil while the servers of the cache reply, and changes nothing",
		run:  pingReachable,
	},
	{
		name: "namespace/partitions",
		rule: "Namespace returns the partition of that name; a cache without partitions is its own for every name; an unknown name is an error that lists the names",
		run:  namespacePartitions, portable: true,
	},
}

func flushEverything(s *suite) {
	s.none(s.c.Flush(s.ctx), "Flush of an empty cache")
	var keys []string
	for i := range 50 {
		key := fmt.Sprint("k", i)
		keys = append(keys, key)
		s.none(s.c.Set(s.ctx, key, []byte("1"), time.Duration(i%3)*time.Hour), "Set")
	}
	n, err := s.c.IncrementFrom(s.ctx, "counter", 1, 0, 0)
	s.counted(n, err, 1, "IncrementFrom")
	keys = append(keys, "counter")
	s.none(s.c.Flush(s.ctx), "Flush")
	s.hasMulti(keys, nil)
	for _, k := range keys {
		s.misses(k)
	}
	s.is(s.c.Delete(s.ctx, "k0"), cache.ErrMiss, "Delete after Flush")
	s.none(s.c.Add(s.ctx, "k0", []byte("2"), 0), "Add after Flush")
	s.has("k0", "2")
	s.none(s.c.Flush(s.ctx), "Flush again")
	s.misses("k0")
}

func pingReachable(s *suite) {
	s.set("k", "v")
	s.none(s.c.Ping(s.ctx), "Ping")
	s.has("k", "v")
}

func namespacePartitions(s *suite) {
	const unknown = "a name that nobody gave"
	if len(s.o.Namespaces) == 0 {
		for _, name := range []string{"", "users", unknown} {
			ns, err := s.c.namespace(name)
			if err != nil {
				s.fatalf("Namespace(%q): %v", name, err)
			}
			s.set("k", "of the cache")
			s.none(ns.Set(s.ctx, "k", []byte("of:"+name), 0), "Set in namespace %q", name)
			s.has("k", "of:"+name)
		}
		return
	}
	for _, name := range s.o.Namespaces {
		ns, err := s.c.namespace(name)
		if err != nil {
			s.fatalf("Namespace(%q): %v", name, err)
		}
		s.none(ns.Set(s.ctx, "k", []byte("of:"+name), 0), "Set in namespace %q", name)
		if s.c.Discards() {
			continue
		}
		v, err := ns.Get(s.ctx, "k")
		s.found("Get in namespace "+name, "k", v, err, "of:"+name)
	}
	_, err := s.c.namespace(unknown)
	if err == nil {
		s.fatalf("Namespace(%q): no error", unknown)
	}
	for _, name := range append(s.o.Namespaces, unknown) {
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
			s.errorf("Namespace(%q): the error %q does not name %q", unknown, err, name)
		}
	}
}

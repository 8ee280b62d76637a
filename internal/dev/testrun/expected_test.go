package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExpects(t *testing.T) {
	race := situation{race: true}
	for _, test := range []struct {
		name, line string
		skip       skip
		want       bool
	}{
		{"all of it", "race cache TestA the race detector allocates",
			skip{"cache", "TestA", "the race detector allocates", race}, true},
		{"a part of the reason", "race cache TestA race detector",
			skip{"cache", "TestA", "the race detector allocates", race}, true},
		{"another reason", "race cache TestA race detector", skip{"cache", "TestA", "no server", race}, false},
		{"no reason", "race cache TestA race detector", skip{"cache", "TestA", "", race}, false},
		{"without the race detector", "race cache TestA slow", skip{"cache", "TestA", "slow", situation{}}, false},
		{"another package", "always cache TestA slow", skip{"cache/driver", "TestA", "slow", race}, false},
		{"another test", "always cache TestA slow", skip{"cache", "TestAll", "slow", race}, false},
		{"any package", "always * TestA slow", skip{"drivers/ketama", "TestA", "slow", race}, true},
		{"a subtest", "always cache TestA/* slow", skip{"cache", "TestA/one/two", "slow", race}, true},
		{"no subtest", "always cache TestA/* slow", skip{"cache", "TestA", "slow", race}, false},
		{"a star alone", "always cache *Alloc* slow", skip{"cache", "TestAllocs", "slow", race}, true},
		{"a dot is a dot", "always cache Test.A slow", skip{"cache", "TestxA", "slow", race}, false},
		{"short", "short cache TestA slow", skip{"cache", "TestA", "slow", situation{short: true}}, true},
		{"not short", "short cache TestA slow", skip{"cache", "TestA", "slow", race}, false},
		{"32 bits", "386 cache TestA slow", skip{"cache", "TestA", "slow", situation{arch: "386"}}, true},
		{"64 bits", "386 cache TestA slow", skip{"cache", "TestA", "slow", situation{arch: "amd64"}}, false},
		{"a command that is here", "without:no-such-command,go cache TestA slow", skip{"cache", "TestA", "slow", race}, false},
		{"no command", "without:no-such-command cache TestA slow", skip{"cache", "TestA", "slow", race}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := parseExpectation(test.line)
			if err != nil {
				t.Fatal(err)
			}
			if got := e.expects(test.skip); got != test.want {
				t.Errorf("%q expects %+v = %v, want %v", test.line, test.skip, got, test.want)
			}
		})
	}
}

func TestReadExpected(t *testing.T) {
	name := filepath.Join(t.TempDir(), "skips.txt")
	for text, want := range map[string]string{
		"# nothing\n\n":                      "",
		"always\tcache\tTestA\tfor a reason": "",
		"# one\nrace cache TestA\n":          `skips.txt:2: want a condition, a package, a test and the reason, got "race cache TestA"`,
		"rain cache TestA wet":               `skips.txt:1: unknown condition "rain"; known: 386, always,`,
		"without: cache TestA wet":           `unknown condition "without:"`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := readExpected(name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// The list of this repository can be read.
func TestExpectedOfThisRepository(t *testing.T) {
	all, err := readExpected("../skips.txt")
	if err != nil || len(all) == 0 {
		t.Errorf("%d lines, %v", len(all), err)
	}
}

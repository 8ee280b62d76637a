package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const testCore = "example.com/core"

// testModule makes a module of a made-up repository that requires others.
func testModule(t *testing.T, dir string, requires ...string) *mod {
	t.Helper()
	text := "module " + testCore
	if dir != "." {
		text += "/" + dir
	}
	for _, r := range requires {
		text += "\nrequire " + r
	}
	file, err := modfile.Parse("go.mod", []byte(text+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &mod{dir: dir, file: file, version: firstVersion}
}

func TestJudge(t *testing.T) {
	core := testModule(t, ".", "example.com/fortests v1.0.0")
	driver := testModule(t, "drivers/one", testCore+" v0.1.0", "example.com/library v1.0.0")
	for _, test := range []struct {
		name string
		get  *mod
		v    vendor
		deps []string
		want string // part of the only problem, or "" for none
	}{
		{
			name: "the core alone", get: core,
			v:    vendor{testCore: {testCore + "/cache"}},
			deps: []string{testCore + "/cache"},
		}, {
			name: "a package of the core too many", get: core,
			v:    vendor{testCore: {testCore + "/cache", testCore + "/client"}},
			deps: []string{testCore + "/cache"},
			want: "vendors example.com/core/client, which it is not built of",
		}, {
			name: "what the core needs for its tests", get: core,
			v:    vendor{testCore: {testCore + "/cache"}, "example.com/fortests": {"example.com/fortests"}},
			deps: []string{testCore + "/cache", "example.com/fortests"},
			want: "vendors module example.com/fortests",
		}, {
			name: "a driver and its library", get: driver,
			v: vendor{testCore: {testCore + "/cache"}, testCore + "/drivers/one": {testCore + "/drivers/one"},
				"example.com/library": {"example.com/library"}},
			deps: []string{testCore + "/cache", testCore + "/drivers/one", "example.com/library"},
		}, {
			name: "another driver", get: driver,
			v:    vendor{testCore + "/drivers/two": {testCore + "/drivers/two"}},
			deps: []string{testCore + "/drivers/two"},
			want: "vendors module example.com/core/drivers/two",
		}, {
			name: "another library", get: driver,
			v:    vendor{"example.com/other": {"example.com/other"}},
			deps: []string{"example.com/other"},
			want: "vendors module example.com/other",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := judge(&tree{core: testCore}, consumer{get: []*mod{test.get}}, result{vendor: test.v, deps: test.deps})
			if test.want == "" {
				if len(problems) != 0 {
					t.Errorf("judge found %v, want no problem", problems)
				}
				return
			}
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), test.want) {
				t.Errorf("judge found %v, want one problem: %q", problems, test.want)
			}
		})
	}
}

func TestCheckShared(t *testing.T) {
	byDriver := map[string]vendor{
		"one": {testCore: nil, "golang.org/x/sync": nil, "example.com/library": nil},
		"two": {testCore: nil, "golang.org/x/sync": nil, "example.com/other": nil},
	}
	if problems := checkShared(testCore, byDriver); len(problems) != 0 {
		t.Errorf("checkShared found %v, want no problem", problems)
	}
	byDriver["two"]["example.com/library"] = nil
	problems := checkShared(testCore, byDriver)
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "example.com/library is vendored with each of one, two") {
		t.Errorf("checkShared found %v, want the library of both", problems)
	}
}

func TestCheckSums(t *testing.T) {
	root := t.TempDir()
	known := "example.com/library v1.0.0 h1:known=\n"
	if err := os.WriteFile(filepath.Join(root, "go.sum"), []byte(known), 0o666); err != nil {
		t.Fatal(err)
	}
	repo := &tree{root: root, core: testCore, modules: []*mod{testModule(t, ".")}}

	if err := checkSums(repo, []byte(known+testCore+" v0.1.0 h1:packed=\n")); err != nil {
		t.Errorf("checkSums of a known module and the core = %v, want nil", err)
	}
	err := checkSums(repo, []byte("example.com/library v1.0.0 h1:another=\n"))
	if err == nil || !strings.Contains(err.Error(), "h1:another=") {
		t.Errorf("checkSums of another checksum = %v, want an error with it", err)
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// writeRepo writes a small repository: a core and a driver in a workspace, and a tool
// outside of it. It holds a list of expected skips, and the files given.
func writeRepo(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{
		"go.mod":                  "module example.com/core\n\ngo 1.25.0\n",
		"go.work":                 "go 1.25.0\n\nuse (\n\t.\n\t./drivers/one\n)\n",
		"cache/cache.go":          "package cache\n",
		"cache/cache_test.go":     testFile("cache", "TestA", ""),
		"drivers/one/go.mod":      "module example.com/core/drivers/one\n\ngo 1.25.0\n",
		"drivers/one/one_test.go": testFile("one", "TestAllocs", ""),
		"dev/tool/go.mod":         "module example.com/core/dev/tool\n\ngo 1.25.0\n",
		"dev/tool/tool_test.go":   testFile("tool", "TestTool", ""),
		"dev/pinned/go.mod":       "module example.com/core/dev/pinned\n\ngo 1.25.0\n",
		"dev/x/testdata/go.mod":   "module example.com/core/data\n",
		"skips.txt":               "",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func testFile(pkg, name, body string) string {
	imports := "\"testing\""
	if strings.Contains(body, "os.") {
		imports = "(\"os\"; \"testing\")"
	}
	return "package " + pkg + "\n\nimport " + imports + "\n\nfunc " + name + "(t *testing.T) {" + body + "}\n"
}

// testrun runs the program on a repository.
func testrun(t *testing.T, root string, args ...string) (stdout string, err error) {
	t.Helper()
	t.Setenv("CI", "")
	var out, errOut bytes.Buffer
	err = run(t.Context(), append([]string{"-root", root, "-expected", "skips.txt"}, args...), &out, &errOut)
	t.Logf("stderr: %s", &errOut)
	return out.String(), err
}

func expect(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q\n%s", want, text)
		}
	}
}

func TestEveryModuleIsTested(t *testing.T) {
	out, err := testrun(t, writeRepo(t, nil), "race")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "ok  \texample.com/core/cache\t", "ok  \texample.com/core/drivers/one\t",
		"ok  \texample.com/core/dev/tool\t", "3 tests and subtests passed, 0 failed, 0 skipped, of 3 packages, in ")
}

// Every module is tested under the race detector, the benchmarks in the long pass.
func TestRaceDetector(t *testing.T) {
	root := writeRepo(t, map[string]string{
		"cache/race_test.go":    "//go:build race\n\n" + testFile("cache", "TestRace", ""),
		"dev/tool/race_test.go": "//go:build race\n\n" + testFile("tool", "TestRace", ""),

		"internal/dev/benchmarks/go.mod":       "module example.com/benchmarks\n\ngo 1.25.0\n",
		"internal/dev/benchmarks/race_test.go": "//go:build race\n\n" + testFile("benchmarks", "TestRace", ""),
		"internal/dev/benchmarks/any_test.go":  testFile("benchmarks", "TestAny", ""),
	})
	for pass, want := range map[string]string{"race": "6 tests and", "long": "2 tests and", "stress": "9 tests and"} {
		out, err := testrun(t, root, pass)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, out, want)
	}
}

// Pass alloc runs tests with Alloc in their names, tests that are left to it, and no other.
func TestAllocPassRunsAllocationTestsOnly(t *testing.T) {
	out, err := testrun(t, writeRepo(t, map[string]string{
		"b/b_test.go":    testFile("b", "TestLeft", ` t.Log(race.Left) `) + "\nfunc TestOther(t *testing.T) {}\n",
		"b/race_test.go": "package b\n\nvar race struct{ Left string }\n",
	}), "alloc")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "ok  \texample.com/core/drivers/one\t", "ok  \texample.com/core/b\t",
		"2 tests and subtests passed, 0 failed, 0 skipped, of 2 packages")
}

// Tests of this repository have the mark.
func TestMarkOfThisRepository(t *testing.T) {
	names, err := leftTests("../../../memory")
	if err != nil || len(names) == 0 {
		t.Errorf("tests left to pass alloc: %q, error %v; want some", names, err)
	}
}

const skipping = `t.Run("sub", func(t *testing.T) { t.Log("before"); t.Skip("the weather\nis bad") }); t.Run("same", func(t *testing.T) { t.Skip("the weather\nis bad") })`

func TestSkips(t *testing.T) {
	for _, test := range []struct {
		name, list string
		strict     bool
		wants      []string
		fails      bool
	}{
		{"expected", "always cache TestAlloc/s* the weather is bad\n", true,
			[]string{"skipped: cache TestAlloc/sub and 1 more: the weather is bad\n"}, false},
		{"not expected", "", false,
			[]string{"SKIPPED, which skips.txt does not expect: cache TestAlloc/sub and 1 more: the weather is bad\n",
				"\tWHEN cache TestAlloc/same the weather is bad\n", "2 tests and subtests passed, 0 failed, 2 skipped"}, false},
		{"not expected, strict", "", true, []string{"SKIPPED, which"}, true},
		{"one of two, strict", "always cache TestAlloc/sub weather", true,
			[]string{"skipped: cache TestAlloc/sub: the", "SKIPPED, which skips.txt does not expect: cache TestAlloc/same: the"}, true},
		{"in another situation, strict", "race cache * weather", true, []string{"SKIPPED, which"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := writeRepo(t, map[string]string{
				"cache/cache_test.go": testFile("cache", "TestAlloc", skipping),
				"skips.txt":           test.list,
			})
			args := []string{"alloc"}
			if test.strict {
				args = []string{"-strict", "alloc"}
			}
			out, err := testrun(t, root, args...)
			if (err != nil) != test.fails {
				t.Errorf("error %v, want one: %v", err, test.fails)
			}
			if err != nil && !strings.Contains(err.Error(), "skips that skips.txt does not expect") {
				t.Errorf("error %v, want one about skips", err)
			}
			expect(t, out, test.wants...)
		})
	}
}

// The retries that package cachetest reports are shown although the tests pass, and nothing
// else that they print is.
func TestRetries(t *testing.T) {
	out, err := testrun(t, writeRepo(t, map[string]string{
		"cache/cache_test.go": testFile("cache", "TestAlloc",
			`os.Stdout.WriteString("before\ncachetest: TestAlloc: cases: 1\n\tttl/expires failed\n\trule: r\nafter\n\tof it\n")`),
	}), "alloc")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "cachetest: TestAlloc: cases: 1\n\tttl/expires failed\n\trule: r\nok  \texample.com/core/cache\t")
}

// A skip without a reason cannot be listed.
func TestSkipWithoutReason(t *testing.T) {
	out, err := testrun(t, writeRepo(t, map[string]string{
		"cache/cache_test.go": testFile("cache", "TestAlloc", "t.SkipNow()"),
		"skips.txt":           "always * * reason",
	}), "-strict", "alloc")
	if err == nil {
		t.Error("no error")
	}
	expect(t, out, "SKIPPED, which skips.txt does not expect: cache TestAlloc\n")
}

func TestStrictByDefaultUnderCI(t *testing.T) {
	root := writeRepo(t, map[string]string{"cache/cache_test.go": testFile("cache", "TestAlloc", skipping)})
	t.Setenv("CI", "true")
	err := run(t.Context(), []string{"-root", root, "-expected", "skips.txt", "alloc"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "2 skips that") {
		t.Errorf("error %v, want one about 2 skips", err)
	}
}

func TestFailures(t *testing.T) {
	files := map[string]string{}
	for name, body := range map[string]string{
		"fail":  `t.Run("good", func(t *testing.T) { t.Log("not this") }); t.Run("bad", func(t *testing.T) { t.Error("but this") })`,
		"panic": `t.Log("before it"); panic("at once")`,
		"exit":  `t.Log("running"); go func() { panic("elsewhere") }(); select {}`,
		"build": `undefined()`,
		"race":  `n := 0; c := make(chan int); go func() { n++; close(c) }(); n++; <-c; _ = n`,
	} {
		files[name+"/x_test.go"] = testFile(name, "TestA", body)
	}
	out, err := testrun(t, writeRepo(t, files), "race")
	if err == nil || !strings.Contains(err.Error(), "pass race: go test in ") {
		t.Errorf("error %v, want one of the pass", err)
	}
	expect(t, out,
		"--- FAIL: TestA/bad", "but this", "FAIL\texample.com/core/fail\t",
		"before it", "panic: at once", "FAIL\texample.com/core/panic\t",
		"running", "panic: elsewhere", "FAIL\texample.com/core/exit\t",
		"undefined: undefined", "FAIL\texample.com/core/build [build failed]",
		"WARNING: DATA RACE", "race detected during execution of test",
		"\nFAILED: fail TestA/bad\n", "\nFAILED: exit TestA\n", "\nFAILED: build\n",
		// The other modules have their turn all the same.
		"ok  \texample.com/core/dev/tool\t",
	)
	if strings.Contains(out, "not this") {
		t.Errorf("a test that passed is printed\n%s", out)
	}
}

func TestNothingToTest(t *testing.T) {
	root := writeRepo(t, map[string]string{"other/other.go": "package other\n"})
	c := command{dir: root, env: []string{"GOWORK=off"}, args: []string{"./other"}}
	err := test(t.Context(), c, "example.com/core", nil, &summary{}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no package has tests") {
		t.Errorf("error %v, want one about the package without tests", err)
	}
}

func TestArguments(t *testing.T) {
	root := writeRepo(t, nil)
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "want a pass: 386, alloc, long, race, stress"},
		{[]string{"rice"}, `unknown pass "rice"`},
		{[]string{"-expected", "none.txt", "race"}, "none.txt"},
		{[]string{"-root", t.TempDir(), "race"}, "go list -m"},
	} {
		if _, err := testrun(t, root, test.args...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want %q", test.args, err, test.want)
		}
	}
}

func TestLong(t *testing.T) {
	flags := func(pkg, name string) string {
		return "package " + pkg + "\n\nimport (\n\"flag\"\n\"testing\"\n)\n\n" +
			"var long = flag.Bool(" + strconv.Quote(name) + ", false, \"\")\n\n" +
			"func TestA(t *testing.T) { if *long { t.Skip(\"with -" + name + "\") } }\n"
	}
	root := writeRepo(t, map[string]string{
		"a/a_test.go":           flags("a", "long"),
		"b/a_test.go":           flags("b", "all"),
		"dev/tool/tool_test.go": flags("tool", "every"),
		"c/a_test.go":           flags("c", "shots"),
	})
	out, err := testrun(t, root, "long")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	expect(t, out, "a TestA: with -long", "b TestA: with -all", "TestA: with -every")
	if strings.Contains(out, "example.com/core/c") {
		t.Errorf("a package without such a flag is tested\n%s", out)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := run(ctx, []string{"-root", writeRepo(t, nil), "race"}, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil {
		t.Error("no error")
	}
}

func Test386(t *testing.T) {
	root := writeRepo(t, map[string]string{
		"cache/cache_test.go": testFile("cache", "TestA", ` if ^uint(0)>>32 == 0 && testing.Short() { t.Skip("32 bits") } `),
		"skips.txt":           "386 cache TestA 32 bits",
	})
	out, err := testrun(t, root, "-strict", "386")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "NOT TESTED as a 386 program") {
		expect(t, out, "skipped: cache TestA: 32 bits")
	}
}

// A go command that builds programs which this machine cannot run, as it does for
// another architecture.
const foreignGo = `#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo "not a program" >"$2"
chmod +x "$2"
`

func TestMachineThatCannotRun386(t *testing.T) {
	r, err := openRepo(t.Context(), writeRepo(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(foreignGo), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	var out bytes.Buffer
	err = foreignPass(t.Context(), r, "386", func(command) error { return errors.New("tested") }, &out)
	if err != nil {
		t.Error(err)
	}
	expect(t, out.String(), "NOT TESTED as a 386 program: this machine cannot run one: ", "exec format error")
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPublish(t *testing.T) {
	root := toy(t, toyTree())
	before := git(t, root, "rev-parse", "HEAD")
	out, err := runRelease(t, root, "publish", "v0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out,
		"a program can use github.com/example/core@v0.1.0\n",
		"a program can use github.com/example/core/drivers/one@v0.1.0\n",
		"git push --atomic origin main v0.1.0 drivers/one/v0.1.0\n")

	if got := git(t, root, "rev-parse", "v0.1.0^{commit}"); got != before {
		t.Errorf("the core is tagged at %s, want %s, the commit of which the release was made", got, before)
	}
	if got, want := git(t, root, "rev-parse", "drivers/one/v0.1.0^{commit}"), git(t, root, "rev-parse", "HEAD~1"); got != want {
		t.Errorf("the driver is tagged at %s, want %s", got, want)
	}
	for file, want := range map[string]string{
		"drivers/one/v0.1.0:drivers/one/go.sum": "github.com/example/core v0.1.0 h1:",
		"HEAD:docs/examples/go.sum":             "github.com/example/core/drivers/one v0.1.0 h1:",
	} {
		if got := git(t, root, "show", file); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %q in it", file, got, want)
		}
	}
	if work := git(t, root, "show", "HEAD:go.work"); strings.Contains(work, "replace") {
		t.Errorf("go.work still replaces versions that are published:\n%s", work)
	}
	if status := git(t, root, "status", "--porcelain"); status != "" {
		t.Errorf("the work tree is not clean:\n%s", status)
	}

	// The next one.
	write(t, root, map[string]string{"CHANGELOG.md": "## [0.2.0] - 2026-02-03\n\n## [0.1.0] - 2026-01-02\n"})
	commit(t, root)
	if _, err := runRelease(t, root, "publish", "v0.2.0"); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"drivers/one/v0.2.0:drivers/one/go.mod", "HEAD:docs/examples/go.mod"} {
		if got := git(t, root, "show", file); !strings.Contains(got, "github.com/example/core v0.2.0") {
			t.Errorf("%s does not require the release:\n%s", file, got)
		}
	}
	if got := git(t, root, "show", "HEAD:internal/dev/go.mod"); !strings.Contains(got, "core v0.1.0") {
		t.Errorf("a module that takes the core from its folder was changed:\n%s", got)
	}
}

// untouched checks that a repository is as toy made it.
func untouched(t *testing.T, root string) {
	t.Helper()
	for what, args := range map[string][]string{
		"tags":    {"tag", "--list"},
		"commits": {"rev-list", "--skip=1", "HEAD"},
		"changes": {"status", "--porcelain"},
	} {
		if got := git(t, root, args...); got != "" {
			t.Errorf("%s are left behind: %s", what, got)
		}
	}
}

func TestDryRun(t *testing.T) {
	root := toy(t, toyTree())
	git(t, root, "checkout", "-q", "-b", "topic") // any branch will do
	out, err := runRelease(t, root, "publish", "-dry-run", "v0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, out, "drivers/one: go test ./...\n", "dry run: nothing was changed. The release would make the tags v0.1.0, drivers/one/v0.1.0.\n")
	untouched(t, root)
}

// A release that fails on the way leaves nothing behind.
func TestPublishFails(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a test of a driver": {map[string]string{"internal/key/key.go": "package key\n\nfunc Rule() int { return 3 }\n"}, "wrong rule"},
		// In the workspace, a driver gets the core beside it whatever it requires.
		"a driver that builds in the workspace only": {map[string]string{
			"drivers/two/go.mod": "module github.com/example/core/drivers/two\n\ngo 1.25.0\n",
			"drivers/two/two.go": "package two\n\nimport _ \"github.com/example/core/nowhere\"\n",
		}, "github.com/example/core/nowhere"},
		"an example": {map[string]string{"docs/examples/main.go": "package main\n\nimport _ \"github.com/example/core/nowhere\"\n\nfunc main() {}\n"}, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			files := toyTree()
			for name, text := range test.files {
				files[name] = text
			}
			root := toy(t, files)
			_, err := runRelease(t, root, "publish", "v0.1.0")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			untouched(t, root)
		})
	}
}

func TestPublishRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		version string
		prepare func(t *testing.T, root string)
		want    string
	}{
		"no version":         {"latest", nil, `version "latest": want one such as v0.2.0`},
		"a short version":    {"v0.1", nil, `version "v0.1": want`},
		"a version too high": {"v2.0.0", nil, "want v0 or v1"},
		"no heading":         {"v0.1.1", nil, `CHANGELOG.md: want the heading "## [0.1.1] - YYYY-MM-DD"`},
		"changes":            {"v0.1.0", func(t *testing.T, root string) { write(t, root, map[string]string{"new.go": "package core\n"}) }, "new.go"},
		"another branch":     {"v0.1.0", func(t *testing.T, root string) { git(t, root, "checkout", "-q", "-b", "topic") }, "not on topic"},
		"a version that is":  {"v0.1.0", func(t *testing.T, root string) { git(t, root, "tag", "v0.1.0") }, "that of v0.1.0"},
		"a lower version":    {"v0.1.0", func(t *testing.T, root string) { git(t, root, "tag", "v0.3.0") }, "that of v0.3.0"},
		"a driver's version": {"v0.1.0", func(t *testing.T, root string) { git(t, root, "tag", "drivers/one/v0.1.0") }, "that of drivers/one/v0.1.0"},
		"a heading too little": {"v0.1.0", func(t *testing.T, root string) {
			write(t, root, map[string]string{"CHANGELOG.md": "## [0.1.0]\n"})
			commit(t, root)
		}, "CHANGELOG.md"},
	} {
		t.Run(name, func(t *testing.T) {
			root := toy(t, toyTree())
			if test.prepare != nil {
				test.prepare(t, root)
			}
			_, err := runRelease(t, root, "publish", test.version)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	root := toy(t, toyTree())
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "want a command: publish, released or api"},
		{[]string{"push"}, `unknown command "push"`},
		{[]string{"publish"}, "want the version"},
		{[]string{"released", "v0.1.0"}, `unexpected argument "v0.1.0"`},
		{[]string{"api", "a", "b"}, `unexpected argument "b"`},
	} {
		if _, err := runRelease(t, root, test.args...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want one with %q", test.args, err, test.want)
		}
	}
	if _, err := runRelease(t, t.TempDir(), "released"); err == nil {
		t.Error("no error for a folder outside of a repository")
	}
}

// A release of this repository as it is now, in a clone. Every package and its imports are
// resolved by the tags and requirements, but not compiled: they are in folders that are
// new each time, for which the build cache has nothing, so compiling takes minutes.
func TestDryRunOfThisRepository(t *testing.T) {
	files := map[string]string{}
	list := git(t, "../../..", "ls-files", "--cached", "--others", "--exclude-standard")
	for name := range strings.Lines(list) {
		name = strings.TrimSpace(name)
		data, err := os.ReadFile(filepath.Join("../../..", name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	const version = "v0.1000.0" // above any that exists or is required
	files["CHANGELOG.md"] += "\n## [0.1000.0] - 2026-01-02\n"
	root := toy(t, files)
	out, err := runRelease(t, root, "publish", "-dry-run",
		"-test", "go list -deps -test ./...", "-build", "go list -deps", version)
	if err != nil {
		t.Fatal(err)
	}
	r, err := openRepo(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.published() {
		expect(t, out, "tag "+m.tag(version)+"\n", "a program can use "+m.path()+"@"+version+"\n")
	}
	untouched(t, root)
}

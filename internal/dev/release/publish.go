package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// publisher makes one release.
type publisher struct {
	version string
	test    string // run in each module, against the tagged core
	build   string // run on the packages of each module, in a program that requires it
	dryRun  bool
}

// publish makes a release in a clone and brings it back only when all has gone well, so
// that a release that fails leaves nothing behind, and a dry run does what a release does.
func (p *publisher) publish(ctx context.Context, r *repo, temp string, out io.Writer) error {
	if err := p.check(ctx, r); err != nil {
		return err
	}
	branch, err := output(ctx, r.root, nil, "git", "rev-parse", "--abbrev-ref", "HEAD")
	if err != nil {
		return err
	}
	branch = strings.TrimSpace(branch)
	if branch != "main" && !p.dryRun {
		return fmt.Errorf("a release is made on main, not on %s", branch)
	}
	clone := filepath.Join(temp, "clone")
	if _, err := output(ctx, temp, nil, "git", "clone", "-q", "--no-local", r.root, clone); err != nil {
		return err
	}
	if err := copyIdentity(ctx, r.root, clone); err != nil {
		return err
	}
	tags, err := p.inClone(ctx, clone, temp, out)
	if err != nil {
		return err
	}
	if p.dryRun {
		fmt.Fprintf(out, "dry run: nothing was changed. The release would make the tags %s.\n", strings.Join(tags, ", "))
		return nil
	}
	fetch := []string{"fetch", "-q", "--no-tags", clone, "HEAD"}
	for _, tag := range tags {
		fetch = append(fetch, "refs/tags/"+tag+":refs/tags/"+tag)
	}
	for _, args := range [][]string{fetch, {"merge", "-q", "--ff-only", "FETCH_HEAD"}} {
		if _, err := output(ctx, r.root, nil, "git", args...); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "made. To publish it:\n\n\tgit push --atomic origin main %s\n", strings.Join(tags, " "))
	return nil
}

// check returns what is wrong with the version, or with the state of the repository.
func (p *publisher) check(ctx context.Context, r *repo) error {
	if !semver.IsValid(p.version) || semver.Canonical(p.version) != p.version {
		return fmt.Errorf("version %q: want one such as v0.2.0", p.version)
	}
	if err := module.CheckPathMajor(p.version, ""); err != nil {
		return fmt.Errorf("version %s: want v0 or v1: from v2 on, the module path ends in the version", p.version)
	}
	releases, err := r.releases(ctx)
	if err != nil {
		return err
	}
	for _, old := range releases {
		if semver.Compare(old.version, p.version) >= 0 {
			return fmt.Errorf("version %s: want more than that of %s, which exists", p.version, old.tag)
		}
	}
	status, err := output(ctx, r.root, nil, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if status != "" {
		return fmt.Errorf("the work tree has changes that are not committed:\n%s", status)
	}
	changes, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	number := strings.TrimPrefix(p.version, "v")
	heading := `(?m)^## \[` + regexp.QuoteMeta(number) + `\] - \d{4}-\d{2}-\d{2}$`
	if !regexp.MustCompile(heading).Match(changes) {
		return fmt.Errorf("CHANGELOG.md: want the heading \"## [%s] - YYYY-MM-DD\" above what has changed", number)
	}
	return nil
}

// copyIdentity lets commits in the clone have the author that they have in the
// repository.
func copyIdentity(ctx context.Context, from, to string) error {
	for _, key := range []string{"user.name", "user.email"} {
		value, err := output(ctx, from, nil, "git", "config", key)
		if err != nil {
			return fmt.Errorf("git has no %s: %w", key, err)
		}
		if _, err := output(ctx, to, nil, "git", "config", key, strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}

// inClone makes the release in a clone, and returns its tags. The order matters: drivers
// are tested with the core that users will be given, which must be tagged before; and
// examples require drivers.
func (p *publisher) inClone(ctx context.Context, clone, temp string, out io.Writer) (tags []string, err error) {
	r, err := openRepo(ctx, clone)
	if err != nil {
		return nil, err
	}
	env, err := fromRepository(ctx, r, temp)
	if err != nil {
		return nil, err
	}
	tag := func(m *mod) error {
		name := m.tag(p.version)
		tags = append(tags, name)
		fmt.Fprintln(out, "tag", name)
		_, err := output(ctx, clone, nil, "git", "tag", "-a", "-m", "larder "+p.version, name)
		return err
	}
	commit := func(message string) error {
		if _, err := output(ctx, clone, nil, "git", "add", "-A"); err != nil {
			return err
		}
		_, err := output(ctx, clone, nil, "git", "commit", "-q", "--allow-empty", "-m", message)
		return err
	}

	var core, drivers, others []*mod
	for _, m := range r.modules {
		switch {
		case m.dir == ".":
			core = append(core, m)
		case m.published():
			drivers = append(drivers, m)
		case p.usesReleases(r, m):
			others = append(others, m)
		}
	}
	if err := tag(core[0]); err != nil {
		return nil, err
	}
	if err := p.dropWorkspaceReplaces(r); err != nil {
		return nil, err
	}
	for _, m := range drivers {
		if err := p.require(ctx, r, m, env, out); err != nil {
			return nil, err
		}
		fmt.Fprintf(out, "%s: %s\n", m.dir, p.test)
		if _, err := output(ctx, r.folderOf(m), env, "sh", "-c", p.test); err != nil {
			return nil, err
		}
	}
	if err := commit("Drivers require larder " + p.version); err != nil {
		return nil, err
	}
	for _, m := range drivers {
		if err := tag(m); err != nil {
			return nil, err
		}
	}
	for _, m := range others {
		if err := p.require(ctx, r, m, env, out); err != nil {
			return nil, err
		}
	}
	if err := commit("Examples require larder " + p.version); err != nil {
		return nil, err
	}
	if _, err := output(ctx, clone, append(env, "GOWORK="), "go", "list", "-deps", "-test", "work"); err != nil {
		return nil, err
	}
	return tags, p.use(ctx, r, append(core, drivers...), env, temp, out)
}

// fromRepository is the environment in which the go command takes the modules of r from
// its tags, as it will take them from the published repository.
func fromRepository(ctx context.Context, r *repo, temp string) ([]string, error) {
	env, err := privateCache(ctx, temp)
	return append(env,
		"GOPRIVATE="+r.core,
		"GONOPROXY=",
		"GONOSUMDB=",
		"GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=url.file://"+filepath.ToSlash(r.root)+".insteadOf",
		"GIT_CONFIG_VALUE_0=https://"+r.core,
	), err
}

// usesReleases reports whether m takes a module of the repository as it is published, and
// not from the folder where it is.
func (p *publisher) usesReleases(r *repo, m *mod) bool {
	replaced := map[string]bool{}
	for _, replace := range m.file.Replace {
		replaced[replace.Old.Path] = true
	}
	return slices.ContainsFunc(m.file.Require, func(require *modfile.Require) bool {
		return r.own(require.Mod.Path) && !replaced[require.Mod.Path]
	})
}

// require makes m require the release of each module of the repository that it requires.
func (p *publisher) require(ctx context.Context, r *repo, m *mod, env []string, out io.Writer) error {
	args := []string{"mod", "edit"}
	for _, require := range m.file.Require {
		if r.own(require.Mod.Path) {
			args = append(args, "-require="+require.Mod.Path+"@"+p.version)
		}
	}
	if len(args) > 2 {
		if _, err := output(ctx, r.folderOf(m), env, "go", args...); err != nil {
			return err
		}
	}
	if _, err := output(ctx, r.folderOf(m), env, "go", "mod", "tidy"); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s/go.mod: require %s\n", m.dir, p.version)
	return nil
}

// dropWorkspaceReplaces takes from go.work what was there because a version that a module
// requires did not exist.
func (p *publisher) dropWorkspaceReplaces(r *repo) error {
	name := filepath.Join(r.root, "go.work")
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return err
	}
	for _, replace := range slices.Clone(work.Replace) {
		if r.own(replace.Old.Path) {
			if err := work.DropReplace(replace.Old.Path, replace.Old.Version); err != nil {
				return err
			}
		}
	}
	work.Cleanup()
	return os.WriteFile(name, modfile.Format(work.Syntax), 0o666)
}

// use builds a program that requires every module of the release, as a user does.
func (p *publisher) use(ctx context.Context, r *repo, modules []*mod, env []string, temp string, out io.Writer) error {
	dir := filepath.Join(temp, "program")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return err
	}
	// The program has no go.sum yet. The modules that it requires were downloaded and
	// checked for this repository before.
	env = append(env, "GOSUMDB=off")
	if _, err := output(ctx, dir, env, "go", "mod", "init", "example.com/program"); err != nil {
		return err
	}
	get := []string{"get"}
	for _, m := range modules {
		get = append(get, m.path()+"@"+p.version)
	}
	if _, err := output(ctx, dir, env, "go", get...); err != nil {
		return err
	}
	for _, m := range modules {
		if _, err := output(ctx, dir, env, "sh", "-c", p.build+" -mod=mod "+m.path()+"/..."); err != nil {
			return err
		}
		fmt.Fprintf(out, "a program can use %s@%s\n", m.path(), p.version)
	}
	return nil
}

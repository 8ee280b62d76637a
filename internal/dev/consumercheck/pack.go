package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// proxy is a local folder laid out as the module proxy protocol wants it, and
// how to make the go command use it.
type proxy struct {
	// env makes the go command take this repository's modules from the folder,
	// and others from the user's module cache or, where it lacks them, from the
	// user's own proxy. Modules go to a cache that vanishes with the temporary
	// folder.
	env []string
}

// packAll packs every published module under temp.
func packAll(ctx context.Context, t *tree, temp string, out io.Writer) (*proxy, error) {
	dir := filepath.Join(temp, "proxy")
	files, err := listFiles(ctx, t.root)
	if err != nil {
		return nil, err
	}
	for _, m := range t.published() {
		count, size, err := pack(t, m, files, dir)
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", m.path(), err)
		}
		fmt.Fprintf(out, "packed %s@%s: %d files, %d KiB\n", m.path(), m.version, count, (size+1023)/1024)
	}

	user := map[string]string{}
	for _, name := range []string{"GOPROXY", "GOMODCACHE", "GOCACHE"} {
		if user[name], err = goEnv(ctx, name); err != nil {
			return nil, err
		}
	}
	return &proxy{env: []string{
		"GOPROXY=" + fileURL(dir) + "," + fileURL(filepath.Join(user["GOMODCACHE"], "cache", "download")) + "," + user["GOPROXY"],
		"GOMODCACHE=" + filepath.Join(temp, "modcache"),
		"GOCACHE=" + user["GOCACHE"],
		"GOWORK=off",
		// With -trimpath the go command compiles a package once, wherever its folder is: in the
		// module cache of a program, or in its vendor folder.
		"GOFLAGS=-modcacherw -buildvcs=false -trimpath",
		// Neither these nor what the user saved with go env -w may lead around the
		// folder. Not even GONOPROXY=none will do: with it the go command looks
		// into its cache first, and takes the core for all there is.
		"GOENV=off",
		"GOPRIVATE=",
		"GONOPROXY=",
		// The checksum database knows nothing of versions that are not published,
		// and asking it for the others would need the network. They are held
		// against the go.sum files of this repository instead: see checkSums.
		"GOSUMDB=off",
	}}, nil
}

// pack adds one module to the proxy folder, and says how many files it holds and
// the size of its archive.
func pack(t *tree, m *mod, files []string, dir string) (count int, size int64, err error) {
	if len(m.file.Replace) > 0 || len(m.file.Exclude) > 0 {
		return 0, 0, fmt.Errorf("%s/go.mod has a replace or exclude directive, which users would not get", m.dir)
	}
	id := module.Version{Path: m.path(), Version: m.version}
	escaped, err := module.EscapePath(id.Path)
	if err != nil {
		return 0, 0, err
	}
	dir = filepath.Join(dir, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, 0, err
	}
	base := filepath.Join(dir, id.Version)

	goMod, err := os.ReadFile(filepath.Join(t.root, filepath.FromSlash(m.dir), "go.mod"))
	if err != nil {
		return 0, 0, err
	}
	info, err := json.Marshal(map[string]any{"Version": id.Version, "Time": time.Now().UTC()})
	if err != nil {
		return 0, 0, err
	}
	for name, data := range map[string][]byte{
		base + ".mod":              goMod,
		base + ".info":             info,
		filepath.Join(dir, "list"): []byte(id.Version + "\n"),
	} {
		if err := os.WriteFile(name, data, 0o666); err != nil {
			return 0, 0, err
		}
	}

	archive, err := os.Create(base + ".zip")
	if err != nil {
		return 0, 0, err
	}
	defer archive.Close()
	contents := moduleFiles(t.root, m.dir, files)
	if err := zip.Create(archive, id, contents); err != nil {
		return 0, 0, err
	}
	checked, err := zip.CheckFiles(contents)
	if err != nil {
		return 0, 0, err
	}
	stat, err := archive.Stat()
	if err != nil {
		return 0, 0, err
	}
	return len(checked.Valid), stat.Size(), archive.Close()
}

// moduleFiles selects the files below the module's folder; package zip leaves out
// those of modules nested in it. A module without a LICENSE gets the
// repository's, as from the go command.
func moduleFiles(root, dir string, files []string) []zip.File {
	var contents []zip.File
	hasLicense := false
	for _, name := range files {
		inside := name
		if dir != "." {
			var ok bool
			if inside, ok = strings.CutPrefix(name, dir+"/"); !ok {
				continue
			}
		}
		hasLicense = hasLicense || inside == "LICENSE"
		contents = append(contents, diskFile{root, name, inside})
	}
	if !hasLicense {
		contents = append(contents, diskFile{root, "LICENSE", "LICENSE"})
	}
	return contents
}

// diskFile is a file of the repository under its name in a module.
type diskFile struct {
	root, name, inside string
}

func (f diskFile) full() string                 { return filepath.Join(f.root, filepath.FromSlash(f.name)) }
func (f diskFile) Path() string                 { return f.inside }
func (f diskFile) Lstat() (os.FileInfo, error)  { return os.Lstat(f.full()) }
func (f diskFile) Open() (io.ReadCloser, error) { return os.Open(f.full()) }

func fileURL(dir string) string {
	slashed := filepath.ToSlash(dir)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // a drive letter
	}
	return "file://" + slashed
}

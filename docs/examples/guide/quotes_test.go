package guide_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents are the ones that quote code, from this folder.
var documents = []string{
	"../../../README.md", "../../guide.md", "../../drivers.md", "../../production.md", "../../recipes.md", "../../coming-from.md",
	"../../../drivers/gomemcache/README.md", "../../../drivers/ketama/README.md",
	"../../../hooks/promhook/README.md", "../../../hooks/otelhook/README.md",
	"../../../drivers/memcached/README.md", "../../../drivers/valkey/README.md",
}

// others have no code, but links.
var others = []string{"../../../CONTRIBUTING.md", "../../../SECURITY.md", "../../releasing.md", "../../comparison.md", "../../memcached.md", "../README.md"}

// Every piece of Go in the documents is, line by line, in a file that the tests compile. A last
// line "// ..." says that the piece goes on in the file.
func TestQuotes(t *testing.T) {
	files := goFiles(t)
	for _, name := range documents {
		blocks := blocksOf(t, name)
		if len(blocks) == 0 {
			t.Errorf("%s quotes no Go", name)
		}
		for _, block := range blocks {
			last := len(block) - 1
			cut := block[last] == "// ..."
			if text := strings.Join(block, "\n"); cut != (strings.Count(text, "{") != strings.Count(text, "}")) {
				t.Errorf("%s: a piece must end with // ... if its braces are open, and only then:\n%s", name, text)
			}
			if cut {
				block = block[:last]
			}
			quotes := func(lines []string) bool { return holds(lines, block) }
			if !slices.ContainsFunc(files, quotes) {
				t.Errorf("%s: this is in no compiled file:\n%s", name, strings.Join(block, "\n"))
			}
		}
	}
}

// goFiles returns the lines of every Go file of this module and of the hooks, whose
// documents quote their examples.
func goFiles(t *testing.T) [][]string {
	t.Helper()
	var files [][]string
	for _, folder := range []string{"..", "../../../hooks"} {
		err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "testdata" {
				return filepath.SkipDir
			}
			if filepath.Ext(name) == ".go" {
				files = append(files, linesOf(t, name))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func linesOf(t *testing.T, name string) []string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// blocksOf returns the lines of every block of Go in a document.
func blocksOf(t *testing.T, name string) (blocks [][]string) {
	t.Helper()
	lines := linesOf(t, name)
	for len(lines) > 0 {
		i := slices.Index(lines, "```go")
		if i < 0 {
			break
		}
		lines = lines[i+1:]
		end := slices.Index(lines, "```")
		if end < 0 {
			t.Fatalf("%s: a block of Go does not end", name)
		}
		blocks = append(blocks, lines[:end])
		lines = lines[end:]
	}
	return blocks
}

// holds reports whether lines contain block, indented as a whole or not.
func holds(lines, block []string) bool {
	for i := 0; i+len(block) <= len(lines); i++ {
		indent, ok := strings.CutSuffix(lines[i], block[0])
		if !ok || strings.Trim(indent, "\t") != "" {
			continue
		}
		same := func(line, quoted string) bool {
			return line == quoted && quoted == "" || line == indent+quoted
		}
		if slices.EqualFunc(lines[i:i+len(block)], block, same) {
			return true
		}
	}
	return false
}

// Every link between the documents leads somewhere.
func TestLinks(t *testing.T) {
	for _, name := range slices.Concat(documents, others) {
		text := strings.Join(proseOf(t, name), "\n")
		for i, part := range strings.Split(text, "](") {
			target, _, ok := strings.Cut(part, ")")
			if i == 0 || !ok || strings.Contains(target, "://") {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			file := name
			if path != "" {
				file = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(t, file), anchor) {
				t.Errorf("%s links to %s, which has no such heading", name, target)
			}
		}
	}
}

// inline is code in a line.
var inline = regexp.MustCompile("`[^`]*`")

// proseOf returns the lines of a document that are not code.
func proseOf(t *testing.T, name string) (prose []string) {
	t.Helper()
	fenced := false
	for _, line := range linesOf(t, name) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if !fenced && !strings.HasPrefix(line, "    ") {
			prose = append(prose, inline.ReplaceAllString(line, ""))
		}
	}
	return prose
}

// anchors returns the names of the headings of a document, as Markdown viewers make
// them.
func anchors(t *testing.T, name string) (anchors []string) {
	t.Helper()
	keep := func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case strings.ContainsRune(",.:`'()?/", r):
			return -1
		}
		return r
	}
	for _, line := range linesOf(t, name) {
		if title := strings.TrimLeft(line, "#"); title != line {
			anchors = append(anchors, strings.Map(keep, strings.ToLower(strings.TrimSpace(title))))
		}
	}
	return anchors
}

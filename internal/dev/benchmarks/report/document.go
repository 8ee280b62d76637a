package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Document is a Markdown file with generated sections, each between two comments:
//
//	<!-- begin NAME -->
//	<!-- end NAME -->
//
// Text outside of them is written by hand and is kept. Plots go to a folder
// beside the file that has its name.
type Document struct {
	Path string
}

// Replace puts body in the place of section name.
func (d Document) Replace(name, body string) error {
	old, err := os.ReadFile(d.Path)
	if err != nil {
		return err
	}
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s: no section between %q and %q", d.Path, begin, end)
	}
	return os.WriteFile(d.Path, []byte(before+begin+"\n"+strings.TrimSpace(body)+"\n\n"+end+after), 0o644)
}

// Plot writes a picture and returns the Markdown that shows it.
func (d Document) Plot(name string, p Plot) (string, error) {
	folder := strings.TrimSuffix(d.Path, filepath.Ext(d.Path))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, name+".svg"), []byte(p.SVG()), 0o644); err != nil {
		return "", err
	}
	return fmt.Sprintf("![%s](%s/%s.svg)\n", p.Title, filepath.Base(folder), name), nil
}

package main

import (
	"strings"
	"testing"
)

func renderPage(t *testing.T, l *library, path string) string {
	t.Helper()
	p, err := l.refresh(path)
	if err != nil {
		t.Fatal(err)
	}
	html, err := l.render(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(html)
}

func TestRender(t *testing.T) {
	l := fakeLibrary(t, fakeRoot)
	for path, wants := range map[string][]string{
		"alpha": {
			`<h1>package alpha</h1>`,
			`It mentions <a href="#Thing">Thing</a> &amp; &lt;script&gt;`,
			`<h2 id="pkg-hdr-Use">Use</h2>`, `<h2 id="pkg-hdr-Use-2">Use</h2>`,
			`<a href="#Thing">Thing.Name</a>; a method, <a href="#Thing.Size">Thing.Size</a>; and <a href="#pkg-overview">alpha</a> itself`,
			`<li><a href="#Thing.Size">func (t *Thing) Size() int</a></li>`,
			`<span id="Small">Small</span> = 1 <span class="comment">// the least</span>`,
			`var <span id="ErrOdd">ErrOdd</span> error`,
			`<h3 id="Thing">type Thing`,
			`// contains filtered or unexported fields`,
			`<h4 id="NewThing">func NewThing <a class="here" href="#NewThing" aria-label="Link to NewThing">#</a></h4>`,
			`<pre>func NewThing(name string) *<a href="#Thing">Thing</a></pre>`,
			`<summary>Example (Named)</summary>`,
			"<pre>t := alpha.NewThing(&#34;&lt;thing&gt;&#34;)\nfmt.Println(t.Size()) <span class=\"comment\">// one</span></pre>",
			"<p>Output:</p>\n<pre>1\n</pre>",
			`<li><a href="/pkg/unsafe">unsafe</a> <span>Package unsafe has no rules.</span></li>`,
		},
		"beta": {
			`<a href="/pkg/alpha#Thing">a.Thing</a>`,
			`<a href="/pkg/vendor/golang.org/x/outside#Option">outside.Option</a>`,
			`<span>Package outside comes from elsewhere.</span>`,
		},
		"beta/deep": {`import "beta/deep"`, `<a href="/pkg/beta#Wrap">beta.Wrap</a>`},
		"alone":     {`<p>None.</p>`},
	} {
		page := renderPage(t, l, path)
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("the page of %s lacks %s\n%s", path, want, page)
			}
		}
	}
	if page := renderPage(t, l, "alpha"); strings.Contains(page, "<script") {
		t.Error("a comment put a script on the page")
	}
	if page := renderPage(t, l, "alone"); strings.Contains(page, "pkg-index") {
		t.Error("a package without declarations has an index")
	}
}

// Packages of every kind from the Go on this machine.
func TestRenderOfThisMachine(t *testing.T) {
	l := fakeLibrary(t, "")
	for path, want := range map[string]string{
		"io":      `<h3 id="Reader">`,
		"builtin": `<h4 id="len">`,
		"errors":  `<summary>Example (Errorf)</summary>`,
		"slices":  `<a href="/pkg/cmp#Ordered">cmp.Ordered</a>`,
		"unsafe":  `<h3 id="Pointer">`,
		"os/exec": `<a href="/pkg/io#Writer">io.Writer</a>`,
	} {
		if !strings.Contains(renderPage(t, l, path), want) {
			t.Errorf("the page of %s lacks %s", path, want)
		}
	}
}

func TestRenderErrors(t *testing.T) {
	root := copyTree(t)
	l := fakeLibrary(t, root)
	edit(t, root, "alpha/alpha.go", "type Thing struct {", "type Thing struct")
	if _, err := l.render(l.get("alpha")); err == nil || !strings.Contains(err.Error(), "alpha.go:") {
		t.Errorf("a syntax error: %v, want the file and the line", err)
	}
	edit(t, root, "gamma/gamma.go", "internal/hidden", "internal/gone")
	p, err := l.refresh("gamma")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.render(p); err == nil || !strings.Contains(err.Error(), "internal/gone") {
		t.Errorf("an import that is not there: %v, want its name", err)
	}
}

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/printer"
	"go/token"
	"html/template"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed doc.html
var docHTML string

var docTemplate = template.Must(template.New("doc.html").Parse(docHTML))

// render makes the documentation of p from its sources: parsing, sorting out what
// belongs to what, formatting. It is the work that is worth caching. The result is
// the inside of an HTML page.
func (l *library) render(p *pkg) ([]byte, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range append(p.files[:len(p.files):len(p.files)], p.tests...) {
		f, err := parser.ParseFile(fset, filepath.Join(p.dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", p.Path, err)
		}
		files = append(files, f)
	}
	names := l.importNames(files[:len(p.files)]) // before go/doc takes the files over
	var mode doc.Mode
	if p.Path == "builtin" { // its names, such as len, are in lower case
		mode = doc.AllDecls
	}
	d, err := doc.NewFromFiles(fset, files, p.Path, mode)
	if err != nil {
		return nil, fmt.Errorf("package %s: %w", p.Path, err)
	}
	imports, err := l.synopses(p)
	if err != nil {
		return nil, err
	}
	r := &renderer{
		pkg: d, fset: fset, linker: linker{imports: names, local: exported(d)},
		methods: methods(d), headings: map[string]int{},
	}
	page := r.page(imports)
	if r.err != nil {
		return nil, fmt.Errorf("package %s: %w", p.Path, r.err)
	}
	var out bytes.Buffer
	if err := docTemplate.Execute(&out, page); err != nil {
		return nil, fmt.Errorf("package %s: %w", p.Path, err)
	}
	return out.Bytes(), nil
}

// synopses reads what the packages that p imports say about themselves: the part of
// the page that other packages can make stale.
func (l *library) synopses(p *pkg) ([]pageImport, error) {
	var imports []pageImport
	for _, path := range p.Imports {
		imported, err := l.source.read(path)
		if err != nil {
			return nil, err
		}
		if imported == nil {
			return nil, fmt.Errorf("package %s imports %s, which is not in %s", p.Path, path, l.source.dir)
		}
		imports = append(imports, pageImport{path, imported.Synopsis})
	}
	return imports, nil
}

// importNames maps the names that files use for imported packages to their paths.
func (l *library) importNames(files []*ast.File) map[string]string {
	names := map[string]string{}
	for _, f := range files {
		for _, spec := range f.Imports {
			path := l.source.resolve(strings.Trim(spec.Path.Value, `"`))
			name := path[strings.LastIndex(path, "/")+1:]
			if p := l.get(path); p != nil {
				name = p.Name
			}
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = path
		}
	}
	return names
}

// exported returns the names that d documents at the top level.
func exported(d *doc.Package) map[string]bool {
	names := map[string]bool{}
	values := func(vs []*doc.Value) {
		for _, v := range vs {
			for _, n := range v.Names {
				names[n] = true
			}
		}
	}
	funcs := func(fs []*doc.Func) {
		for _, f := range fs {
			names[f.Name] = true
		}
	}
	values(d.Consts)
	values(d.Vars)
	funcs(d.Funcs)
	for _, t := range d.Types {
		names[t.Name] = true
		values(t.Consts)
		values(t.Vars)
		funcs(t.Funcs)
	}
	return names
}

// methods returns the methods that d documents by themselves, as "Type.Method".
func methods(d *doc.Package) map[string]bool {
	names := map[string]bool{}
	for _, t := range d.Types {
		for _, m := range t.Methods {
			names[t.Name+"."+m.Name] = true
		}
	}
	return names
}

// The data of doc.html.
type (
	page struct {
		Path, Name     string
		Doc            template.HTML
		Imports        []pageImport
		Examples       []pageExample
		Consts, Vars   []pageValue
		Funcs          []pageFunc
		Types          []pageType
		HasDeclaration bool
	}
	pageImport struct{ Path, Synopsis string }
	pageValue  struct{ Decl, Doc template.HTML }
	pageFunc   struct {
		Level                int // of the heading
		ID, Title, Signature string
		Decl, Doc            template.HTML
		Examples             []pageExample
	}
	pageType struct {
		Name           string
		Decl, Doc      template.HTML
		Consts, Vars   []pageValue
		Funcs, Methods []pageFunc
		Examples       []pageExample
	}
	pageExample struct {
		Title     string
		Doc, Code template.HTML
		Output    string
	}
)

// renderer turns the documentation of one package into HTML. It notes the first
// error.
type renderer struct {
	pkg    *doc.Package
	fset   *token.FileSet
	linker linker

	methods  map[string]bool // that have a place on the page, as "Type.Method"
	headings map[string]int  // how many there are with each id
	err      error
}

func (r *renderer) page(imports []pageImport) page {
	d := r.pkg
	p := page{
		Path: d.ImportPath, Name: d.Name, Doc: r.text(d.Doc, 2, "pkg"), Imports: imports,
		Examples: r.examples(d.Examples),
		Consts:   r.values(d.Consts, 3), Vars: r.values(d.Vars, 3), Funcs: r.funcs(d.Funcs, 3),
	}
	for _, t := range d.Types {
		p.Types = append(p.Types, pageType{
			Name: t.Name, Decl: r.decl(t.Decl, nil), Doc: r.text(t.Doc, 4, t.Name),
			Consts: r.values(t.Consts, 4), Vars: r.values(t.Vars, 4),
			Funcs: r.funcs(t.Funcs, 4), Methods: r.funcs(t.Methods, 4),
			Examples: r.examples(t.Examples),
		})
	}
	p.HasDeclaration = len(p.Consts)+len(p.Vars)+len(p.Funcs)+len(p.Types) > 0
	return p
}

// text renders the doc comment of what has an id. Headings in it are of a level, and
// begin with the id, since two comments may have the same headings. Links lead to the
// other pages.
func (r *renderer) text(s string, level int, id string) template.HTML {
	p := r.pkg.Printer()
	p.HeadingLevel = level
	p.HeadingID = func(h *comment.Heading) string { return r.unique(id + "-" + h.DefaultID()) }
	p.DocLinkURL = r.docLink
	return template.HTML(p.HTML(r.pkg.Parser().Parse(s))) // escaped by go/doc/comment
}

// unique returns id, with a number if there is one like it already.
func (r *renderer) unique(id string) string {
	r.headings[id]++
	if n := r.headings[id]; n > 1 {
		return fmt.Sprintf("%s-%d", id, n)
	}
	return id
}

// docLink returns where a link in a doc comment leads.
func (r *renderer) docLink(link *comment.DocLink) string {
	switch {
	case link.ImportPath != "":
		return link.DefaultURL("/pkg")
	case link.Name == "":
		return "#pkg-overview"
	case link.Recv != "" && !r.methods[link.Recv+"."+link.Name]:
		return "#" + link.Recv // a field, say, is shown with its type
	}
	return link.DefaultURL("")
}

func (r *renderer) values(vs []*doc.Value, level int) []pageValue {
	var out []pageValue
	for _, v := range vs {
		out = append(out, pageValue{r.decl(v.Decl, v.Names), r.text(v.Doc, level, v.Names[0])})
	}
	return out
}

func (r *renderer) funcs(fs []*doc.Func, level int) []pageFunc {
	var out []pageFunc
	for _, f := range fs {
		pf := pageFunc{
			Level: level, ID: f.Name, Title: "func " + f.Name, Signature: r.source(f.Decl),
			Decl: r.decl(f.Decl, nil), Examples: r.examples(f.Examples),
		}
		if f.Recv != "" {
			recv, _, _ := strings.Cut(strings.TrimPrefix(f.Recv, "*"), "[")
			pf.ID = recv + "." + f.Name
			pf.Title = "func (" + f.Recv + ") " + f.Name
		}
		pf.Doc = r.text(f.Doc, level+1, pf.ID)
		out = append(out, pf)
	}
	return out
}

func (r *renderer) examples(es []*doc.Example) []pageExample {
	var out []pageExample
	for _, e := range es {
		title := "Example"
		if e.Suffix != "" {
			title += " (" + strings.ToUpper(e.Suffix[:1]) + e.Suffix[1:] + ")"
		}
		code := r.source(&printer.CommentedNode{Node: e.Code, Comments: e.Comments})
		if _, ok := e.Code.(*ast.BlockStmt); ok {
			code = unindent(code)
		}
		if at := outputComment.FindStringIndex(code); at != nil {
			code = strings.TrimRight(code[:at[0]], "\n") // the page shows it beside the code
		}
		out = append(out, pageExample{title, r.text(e.Doc, 5, "example-"+e.Name), r.linker.plain(code), e.Output})
	}
	return out
}

// outputComment begins what an example prints, at the end of its code.
var outputComment = regexp.MustCompile(`(?im)^\s*// *(unordered )?output:`)

// unindent takes the braces from a block, and one tab from its lines.
func unindent(block string) string {
	block = strings.TrimSuffix(strings.TrimPrefix(block, "{"), "}")
	return strings.Trim(strings.ReplaceAll(block, "\n\t", "\n"), "\n")
}

// decl renders a declaration with links, and with anchors for the names it declares.
func (r *renderer) decl(node ast.Node, names []string) template.HTML {
	return r.linker.html(r.source(node), names)
}

// source formats a piece of the program.
func (r *renderer) source(node any) string {
	var b strings.Builder
	config := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}
	if err := config.Fprint(&b, r.fset, node); err != nil && r.err == nil {
		r.err = err
	}
	return b.String()
}

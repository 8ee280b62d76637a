package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"html/template"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page.html").Parse(pageHTML))

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
	r := &renderer{pkg: d, fset: fset, linker: linker{imports: names, local: exported(d)}}
	page := r.page(imports)
	if r.err != nil {
		return nil, fmt.Errorf("package %s: %w", p.Path, r.err)
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, page); err != nil {
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

// What page.html is given.
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
	err    error
}

func (r *renderer) page(imports []pageImport) page {
	d := r.pkg
	p := page{
		Path: d.ImportPath, Name: d.Name, Doc: r.text(d.Doc), Imports: imports,
		Examples: r.examples(d.Examples),
		Consts:   r.values(d.Consts), Vars: r.values(d.Vars), Funcs: r.funcs(d.Funcs),
	}
	for _, t := range d.Types {
		p.Types = append(p.Types, pageType{
			Name: t.Name, Decl: r.decl(t.Decl, nil), Doc: r.text(t.Doc),
			Consts: r.values(t.Consts), Vars: r.values(t.Vars),
			Funcs: r.funcs(t.Funcs), Methods: r.funcs(t.Methods),
			Examples: r.examples(t.Examples),
		})
	}
	p.HasDeclaration = len(p.Consts)+len(p.Vars)+len(p.Funcs)+len(p.Types) > 0
	return p
}

// text renders a doc comment. Its links lead to the other pages.
func (r *renderer) text(s string) template.HTML {
	p := r.pkg.Printer()
	p.HeadingLevel = 4
	p.DocLinkBaseURL = "/pkg"
	return template.HTML(p.HTML(r.pkg.Parser().Parse(s))) // escaped by go/doc/comment
}

func (r *renderer) values(vs []*doc.Value) []pageValue {
	var out []pageValue
	for _, v := range vs {
		out = append(out, pageValue{r.decl(v.Decl, v.Names), r.text(v.Doc)})
	}
	return out
}

func (r *renderer) funcs(fs []*doc.Func) []pageFunc {
	var out []pageFunc
	for _, f := range fs {
		pf := pageFunc{
			ID: f.Name, Title: "func " + f.Name, Signature: r.source(f.Decl),
			Decl: r.decl(f.Decl, nil), Doc: r.text(f.Doc), Examples: r.examples(f.Examples),
		}
		if f.Recv != "" {
			recv, _, _ := strings.Cut(strings.TrimPrefix(f.Recv, "*"), "[")
			pf.ID = recv + "." + f.Name
			pf.Title = "func (" + f.Recv + ") " + f.Name
		}
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
		out = append(out, pageExample{title, r.text(e.Doc), r.linker.plain(code), e.Output})
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

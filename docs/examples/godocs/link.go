package main

import (
	"go/ast"
	"go/scanner"
	"go/token"
	"html/template"
	"strings"
)

// linker turns Go source text into HTML in which names lead to their documentation.
type linker struct {
	imports map[string]string // package name, as used in the text, to path
	local   map[string]bool   // names documented on the same page
}

type word struct {
	token token.Token
	text  string
	start int
	first bool // on its line
}

// html returns text with links, and with an anchor at the first appearance of each
// of names.
func (l linker) html(text string, names []string) template.HTML {
	anchors := map[string]bool{}
	for _, n := range names {
		anchors[n] = true
	}
	return l.write(text, func(words []word, i int) (open, end string, count int) {
		w := words[i]
		if w.token != token.IDENT || i > 0 && words[i-1].token == token.PERIOD {
			return "", "", 1
		}
		if anchors[w.text] {
			delete(anchors, w.text)
			return `<span id="` + w.text + `">`, `</span>`, 1
		}
		if path, ok := l.imports[w.text]; ok && i+2 < len(words) &&
			words[i+1].token == token.PERIOD && ast.IsExported(words[i+2].text) {
			return `<a href="/pkg/` + template.HTMLEscapeString(path) + "#" + words[i+2].text + `">`, `</a>`, 3
		}
		// The first word of a line names a field or a constant.
		if l.local[w.text] && !w.first && words[i-1].token != token.FUNC && words[i-1].token != token.TYPE {
			return `<a href="#` + w.text + `">`, `</a>`, 1
		}
		return "", "", 1
	})
}

// plain returns text with nothing but its comments marked.
func (l linker) plain(text string) template.HTML {
	return l.write(text, func([]word, int) (string, string, int) { return "", "", 1 })
}

// write escapes text, and marks its words: mark returns the text that opens and the text that
// ends the mark, and the number of words in it.
func (l linker) write(text string, mark func(words []word, i int) (open, end string, count int)) template.HTML {
	text = strings.ReplaceAll(text, "\r", "") // as the scanner does, whose offsets count
	words := split(text)
	var b strings.Builder
	written := 0
	upTo := func(end int) {
		template.HTMLEscape(&b, []byte(text[written:end]))
		written = end
	}
	for i := 0; i < len(words); {
		w := words[i]
		upTo(w.start)
		open, end, count := mark(words, i)
		if w.token == token.COMMENT {
			open, end = `<span class="comment">`, `</span>`
		}
		last := words[i+count-1]
		b.WriteString(open)
		upTo(last.start + len(last.text))
		b.WriteString(end)
		i += count
	}
	upTo(len(text))
	return template.HTML(b.String())
}

// split returns the words of Go source. Text that is not Go is left between them.
func split(text string) []word {
	file := token.NewFileSet().AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, []byte(text), func(token.Position, string) {}, scanner.ScanComments)
	var words []word
	line := 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return words
		}
		if tok == token.SEMICOLON && lit == "\n" {
			continue // not in the text
		}
		if lit == "" {
			lit = tok.String()
		}
		w := word{token: tok, text: lit, start: file.Offset(pos)}
		if n := file.Line(pos); n != line {
			line, w.first = n, true
		}
		words = append(words, w)
	}
}

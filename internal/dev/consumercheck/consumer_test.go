package main

import (
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// packToy packs the made-up repository, with nothing else within reach.
func packToy(t *testing.T) (*tree, *proxy, string) {
	t.Helper()
	repo, err := readTree(t.Context(), writeTree(t, toyTree()))
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	p, err := packAll(t.Context(), repo, temp, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "GOPROXY="+fileURL(filepath.Join(temp, "proxy")))
	return repo, p, temp
}

func toyConsumer(repo *tree) consumer {
	c := consumer{
		name: "toy",
		source: `package main

import (
	"fmt"

	_ "example.com/core/drivers/one"
)

func main() { fmt.Println("toy") }
`,
		want: "toy\n",
	}
	for _, m := range repo.published() {
		if m.driver() == "one" {
			c.get = []*mod{m}
		}
	}
	return c
}

func TestRunConsumer(t *testing.T) {
	repo, p, temp := packToy(t)
	r, err := runConsumer(t.Context(), p, filepath.Join(temp, "consumer"), toyConsumer(repo))
	if err != nil {
		t.Fatal(err)
	}
	want := vendor{
		"example.com/core":             {"example.com/core/cache"},
		"example.com/core/drivers/one": {"example.com/core/drivers/one"},
	}
	if !reflect.DeepEqual(r.vendor, want) {
		t.Errorf("vendored %v, want %v", r.vendor, want)
	}
	if want := []string{"example.com/core/cache", "example.com/core/drivers/one"}; !reflect.DeepEqual(r.deps, want) {
		t.Errorf("built of %v, want %v", r.deps, want)
	}
	if !strings.Contains(string(r.sums), "example.com/core/drivers/one v0.1.0 h1:") {
		t.Errorf("go.sum is %q, want the driver in it", r.sums)
	}
}

func TestRunConsumerFails(t *testing.T) {
	repo, p, temp := packToy(t)
	for name, breakIt := range map[string]func(*consumer){
		"printed":  func(c *consumer) { c.want = "something else\n" },
		"no such":  func(c *consumer) { c.source = strings.Replace(c.source, "core/drivers/one", "core/drivers/two", 1) },
		"exit":     func(c *consumer) { c.source = strings.Replace(c.source, "fmt.Println", "panic", 1) },
		"get":      func(c *consumer) { c.get = []*mod{testModule(t, "drivers/two")} },
		"compiled": func(c *consumer) { c.source = strings.Replace(c.source, "fmt.Println", "fmt.Nothing", 1) },
	} {
		c := toyConsumer(repo)
		breakIt(&c)
		if _, err := runConsumer(t.Context(), p, filepath.Join(temp, name), c); err == nil {
			t.Errorf("%s: runConsumer = nil, want an error", name)
		}
	}
}

// A published module that is neither the core nor a driver has a program too.
func TestConsumersOfOtherModules(t *testing.T) {
	files := toyTree()
	files["hooks/h/go.mod"] = "module example.com/core/hooks/h\n\ngo 1.25.0\n\nrequire example.com/core v0.2.0\n"
	files["hooks/h/h.go"] = "package h\n\nimport _ \"example.com/core/cache\"\n"
	files["hooks/h/internal/x/x.go"] = "package x\n"
	repo, err := readTree(t.Context(), writeTree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	p, err := packAll(t.Context(), repo, temp, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "GOPROXY="+fileURL(filepath.Join(temp, "proxy")))
	all, err := consumers(t.Context(), repo, p, temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.name != "hooks-h" {
			continue
		}
		if !strings.Contains(c.source, "\t_ \"example.com/core/hooks/h\"\n") || strings.Contains(c.source, "internal") {
			t.Errorf("the program is\n%s", c.source)
		}
		if _, err := runConsumer(t.Context(), p, filepath.Join(temp, "hooks"), c); err != nil {
			t.Error(err)
		}
		return
	}
	t.Error("no program for hooks/h")
}

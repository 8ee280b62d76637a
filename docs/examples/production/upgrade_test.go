package production_test

import (
	"encoding/json"
	"testing"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/memory"
)

// open opens the cache of the program. Increase the version when what a key holds changes
// its form or its meaning.
func open(dsn string) (*cache.Cache, error) {
	c, err := cache.Open(dsn)
	if err != nil {
		return nil, err
	}
	return c.WithPrefix("v2/"), nil
}

func TestOpenHasVersion(t *testing.T) {
	c, err := open("memory://")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Set(t.Context(), "page:1", []byte("new"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "page:1"); err != nil {
		t.Error(err)
	}
	for _, whole := range c.Partitions() {
		if _, err := whole.Get(t.Context(), "v2/page:1"); err != nil {
			t.Error(err)
		}
	}
}

// JSON decodes changed structs as the table on changes of a struct says.
func TestStructsOfTwoReleases(t *testing.T) {
	type v1 struct {
		Name string
		Age  int
	}
	type added struct {
		Name string
		Age  int
		Mail string
	}
	type renamed struct {
		FullName string
		Age      int
	}
	type retyped struct {
		Name string
		Age  string
	}
	encode := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var a added
	if err := json.Unmarshal(encode(v1{"ann", 30}), &a); err != nil || a != (added{"ann", 30, ""}) {
		t.Errorf("a field that was added: %v %v", a, err)
	}
	var old v1
	if err := json.Unmarshal(encode(added{"ann", 30, "a@b"}), &old); err != nil || old != (v1{"ann", 30}) {
		t.Errorf("the old release reads the new form: %v %v", old, err)
	}
	if err := json.Unmarshal(encode(old), &a); err != nil {
		t.Fatal(err)
	}
	a = added{}
	if err := json.Unmarshal(encode(old), &a); err != nil || a.Mail != "" {
		t.Errorf("written back by the old release: %v %v", a, err)
	}
	var r renamed
	if err := json.Unmarshal(encode(v1{"ann", 30}), &r); err != nil || r != (renamed{"", 30}) {
		t.Errorf("a field that was renamed: %v %v", r, err)
	}
	var y retyped
	if err := json.Unmarshal(encode(v1{"ann", 30}), &y); err == nil {
		t.Errorf("a field of another type: %v", y)
	}
}

package cachetest

import (
	"fmt"
	"reflect"
	"slices"
)

// lostFields returns the fields that no example sets, and the names of fields that do not
// exist.
func (d DSNTest[C]) lostFields() (problems []string) {
	set, all := map[string]bool{}, []string{}
	var look func(prefix string, v reflect.Value)
	look = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name := prefix + f.Name
			if !f.IsExported() || slices.Contains(d.ConfigOnly, name) {
				continue
			}
			if f.Type.Kind() == reflect.Struct && !equalMethod(v.Field(i)).IsValid() {
				look(name+".", v.Field(i))
				continue
			}
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
			set[name] = set[name] || !v.Field(i).IsZero()
		}
	}
	var zero C
	if reflect.TypeOf(zero).Kind() != reflect.Struct {
		return []string{fmt.Sprintf("%T is not a struct", zero)}
	}
	look("", reflect.ValueOf(zero))
	for _, c := range d.Examples {
		look("", reflect.ValueOf(c))
	}
	for _, name := range all {
		if !set[name] {
			problems = append(problems, fmt.Sprintf("no example sets the field %s; if no string can hold it, name it in ConfigOnly", name))
		}
	}
	for _, name := range d.ConfigOnly {
		if _, ok := reflect.TypeOf(zero).FieldByName(name); !ok {
			problems = append(problems, fmt.Sprintf("ConfigOnly names the field %s, which %T does not have", name, zero))
		}
	}
	return problems
}

// equal reports whether a and b are the same configuration, apart from the fields that no
// string can hold.
func (d DSNTest[C]) equal(a, b C) bool {
	va, vb := reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem()
	for _, name := range d.ConfigOnly {
		if f := va.FieldByName(name); f.IsValid() && f.CanSet() {
			f.SetZero()
			vb.FieldByName(name).SetZero()
		}
	}
	return equalValues(va, vb)
}

// equalMethod returns the method Equal(T) bool of v, or the zero Value if T has none.
func equalMethod(v reflect.Value) reflect.Value {
	if !v.CanInterface() {
		return reflect.Value{}
	}
	m := v.MethodByName("Equal")
	if !m.IsValid() || m.Type().NumIn() != 1 || m.Type().In(0) != v.Type() || m.Type().NumOut() != 1 || m.Type().Out(0).Kind() != reflect.Bool {
		return reflect.Value{}
	}
	return m
}

// equalValues is reflect.DeepEqual, but uses Equal methods, as that of an encoding, and
// takes nil and empty slices and maps for the same.
func equalValues(a, b reflect.Value) bool {
	if m := equalMethod(a); m.IsValid() {
		return m.Call([]reflect.Value{b})[0].Bool()
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if !equalValues(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equalValues(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if v := b.MapIndex(k); !v.IsValid() || !equalValues(a.MapIndex(k), v) {
				return false
			}
		}
		return true
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return a.Elem().Type() == b.Elem().Type() && equalValues(a.Elem(), b.Elem())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return a.IsNil() == b.IsNil()
	}
	return a.Equal(b)
}

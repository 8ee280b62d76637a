package cachetest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
)

// A DSNTest tests the configuration strings of a driver, whose Config is C:
//
//	var dsnTest = cachetest.DSNTest[Config]{
//		Scheme:   "mycache",
//		Parse:    ParseDSN,
//		Format:   Config.FormatDSN,
//		Examples: []Config{{Addr: "localhost:1234"}, {Addr: "[::1]:1234", Timeout: time.Second}},
//	}
//
//	func TestDSN(t *testing.T) { dsnTest.Run(t) }
//	func FuzzDSN(f *testing.F) { dsnTest.Fuzz(f) }
type DSNTest[C any] struct {
	Scheme string                      // of the strings; the name under which the driver is registered
	Parse  func(dsn string) (C, error) // the ParseDSN of the driver
	Format func(config C) string       // Config.FormatDSN

	// Examples are configurations that a string can hold. Together they must set every
	// exported field of C to something other than zero, and so use every parameter.
	Examples []C

	// ConfigOnly names the fields of C that no string can hold.
	ConfigOnly []string

	// Repeats names the parameters that may be given more than once.
	Repeats []string

	// Invalid are strings that Parse must reject, each with a part of its error.
	Invalid map[string]string

	// New, if it is not nil, must accept every configuration that Parse returns. Run
	// then also opens each example with cache.Open. The driver must not connect when
	// it is opened.
	New func(config C) (*cache.Cache, error)
}

// Run tests that
//
//   - Parse and Format agree, and no field is lost;
//   - an unknown or repeated parameter is an error that names it, and an unknown one lists
//     those that there are;
//   - wrong schemes, bad escapes and fragments are errors;
//   - errors begin with the scheme, are short, and repeat neither the whole string nor a
//     secret in it;
//   - with an error, Parse returns the zero Config.
func (d DSNTest[C]) Run(t *testing.T) {
	t.Helper()
	for _, problem := range d.problems() {
		t.Error(problem)
	}
}

// Fuzz fuzzes Parse: a string that it accepts survives a round trip, and one that it rejects
// is not repeated in the error.
func (d DSNTest[C]) Fuzz(f *testing.F) {
	f.Helper()
	for _, s := range d.strings() {
		f.Add(s)
		f.Add(s + "&name=value")
	}
	for s := range d.Invalid {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if problem := d.try(s); problem != "" {
			t.Error(problem)
		}
	})
}

// try parses s and returns a problem, if there is one.
func (d DSNTest[C]) try(s string) (problem string) {
	config, err := d.Parse(s)
	if err != nil {
		return d.badError(s, config, err, "")
	}
	formatted := d.Format(config)
	again, err := d.Parse(formatted)
	switch {
	case err != nil:
		return fmt.Sprintf("Parse(%q) succeeded, and its result formats as %q: %v", s, formatted, err)
	case !d.equal(config, again):
		return fmt.Sprintf("Parse(%q) is %+v, which formats as %q and comes back as %+v", s, config, formatted, again)
	case d.Format(again) != formatted:
		return fmt.Sprintf("%q formats as %q after a round trip", formatted, d.Format(again))
	}
	if d.New == nil {
		return ""
	}
	c, err := d.New(config)
	if err != nil {
		return fmt.Sprintf("Parse(%q) succeeded, and New rejects its result: %v", s, err)
	}
	if err := c.Close(); err != nil {
		return fmt.Sprintf("%q: Close: %v", s, err)
	}
	return ""
}

// maxError is the length in bytes of the longest error. A long one repeats its input.
const maxError = 600

// secret is a value that no error may contain.
const secret = "s3cret-hunter2"

// badError checks the error for s, which must contain part, and returns a problem, if there
// is one.
func (d DSNTest[C]) badError(s string, config C, err error, part string) string {
	text := err.Error()
	var zero C
	switch {
	case !d.equal(config, zero):
		return fmt.Sprintf("Parse(%.80q): error %q beside %+v, want the zero Config", s, text, config)
	case !strings.Contains(text, part):
		return fmt.Sprintf("Parse(%.80q): error %q, want one that says %q", s, text, part)
	case len(text) > maxError:
		return fmt.Sprintf("Parse(%.80q): an error of %d bytes, want %d at most", s, len(text), maxError)
	case strings.Contains(text, secret):
		return fmt.Sprintf("Parse(%.80q): error %q repeats a secret", s, text)
	case len(s) > len(d.Scheme)+len("://") && strings.Contains(text, s):
		return fmt.Sprintf("Parse(%.80q): error %q repeats the whole string", s, text)
	}
	return ""
}

// strings returns the examples as strings.
func (d DSNTest[C]) strings() []string {
	all := make([]string, len(d.Examples))
	for i, c := range d.Examples {
		all[i] = d.Format(c)
	}
	return all
}

// parameters returns the names of the parameters in s, in order.
func parameters(s string) []string {
	_, query, _ := strings.Cut(s, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(values))
}

// with returns s with another parameter.
func with(s, name, value string) string {
	separator := "?"
	if strings.Contains(s, "?") {
		separator = "&"
	}
	return s + separator + name + "=" + value
}

func (d DSNTest[C]) problems() (problems []string) {
	note := func(problem string) {
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	noteAll := func(more []string) { problems = append(problems, more...) }
	noteAll(d.lostFields())
	for _, config := range d.Examples {
		s := d.Format(config)
		if !strings.HasPrefix(s, d.Scheme+"://") {
			note(fmt.Sprintf("%+v formats as %q, want the scheme %s", config, s, d.Scheme))
		}
		parsed, err := d.Parse(s)
		if err != nil {
			note(fmt.Sprintf("%+v formats as %q: %v", config, s, err))
			continue
		}
		if !d.equal(config, parsed) {
			note(fmt.Sprintf("%+v formats as %q, which is %+v", config, s, parsed))
		}
		note(d.try(s))
		note(d.open(s))
	}
	reject := func(s, part string) {
		config, err := d.Parse(s)
		switch {
		case err == nil:
			note(fmt.Sprintf("Parse(%.80q): no error, want one that says %q", s, part))
		case !strings.HasPrefix(err.Error(), d.Scheme+": ") && strings.HasPrefix(s, d.Scheme+"://"):
			note(fmt.Sprintf("Parse(%.80q): error %q, want one that begins with %q", s, err, d.Scheme+": "))
		default:
			note(d.badError(s, config, err, part))
		}
	}
	known := map[string]bool{}
	for _, s := range d.strings() {
		for _, name := range parameters(s) {
			known[name] = true
		}
	}
	for _, s := range d.strings() {
		d.rejectParameters(s, slices.Sorted(maps.Keys(known)), reject)
		d.rejectForms(s, reject)
	}
	for s, part := range d.Invalid {
		reject(s, part)
	}
	return problems
}

// open opens s, if the driver may be opened.
func (d DSNTest[C]) open(s string) (problem string) {
	if d.New == nil {
		return ""
	}
	c, err := cache.Open(s)
	if err != nil {
		return fmt.Sprintf("cache.Open(%q): %v", s, err)
	}
	defer c.Close()
	if c.Driver() != d.Scheme {
		return fmt.Sprintf("cache.Open(%q): the driver is called %q, want %q", s, c.Driver(), d.Scheme)
	}
	return ""
}

// rejectParameters tries parameters that are unknown, repeated, badly escaped or too long.
func (d DSNTest[C]) rejectParameters(s string, known []string, reject func(s, part string)) {
	unknown := []string{"nosuch", "Timeouts"}
	for _, name := range known {
		unknown = append(unknown, name+"s", strings.ToUpper(name))
	}
	for _, name := range unknown {
		if slices.Contains(known, name) {
			continue
		}
		reject(with(s, name, secret), name)
		for _, other := range known {
			reject(with(s, name, "1"), other)
		}
	}
	reject(with(s, strings.Repeat("n", 10_000), "1"), "unknown")
	reject(with(s, "%zz", secret), "")
	reject(with(s, "nosuch", "%zz"+secret), "")
	reject(with(s, secret, "")[:len(with(s, secret, ""))-1], "") // a parameter without "="
	for _, name := range parameters(s) {
		if !slices.Contains(d.Repeats, name) {
			_, query, _ := strings.Cut(s, "?")
			values, _ := url.ParseQuery(query)
			reject(with(s, name, url.QueryEscape(values.Get(name))), name)
		}
	}
	bare, _, _ := strings.Cut(s, "?")
	for _, name := range known {
		reject(with(bare, name, "%zz"+secret), name)
		d.tooLong(with(bare, name, strings.Repeat("9", 10_000)), reject)
		d.tooLong(with(bare, name, strings.Repeat("x", 10_000)), reject)
	}
}

// tooLong tries a string with a long value, which may be valid.
func (d DSNTest[C]) tooLong(s string, reject func(s, part string)) {
	if _, err := d.Parse(s); err != nil {
		reject(s, "")
	}
}

// rejectForms tries strings that are not DSNs of the driver, with a secret in most.
func (d DSNTest[C]) rejectForms(s string, reject func(s, part string)) {
	rest := strings.TrimPrefix(s, d.Scheme+"://")
	address := rest
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		address = rest[i+1:]
	}
	for _, bad := range []string{
		"", secret, d.Scheme, d.Scheme + ":", d.Scheme + ":/" + secret, "://" + secret, secret + "@" + rest,
		"x" + s, strings.ToUpper(d.Scheme) + "://" + rest,
		s + "#" + secret,
		d.Scheme + "://%zz" + secret,
		d.Scheme + "://user:%zz" + secret + "@" + address,
		with(d.Scheme+"://user:"+secret+"@"+address, "nosuch", "1"),
		with(d.Scheme+"://user:"+secret+"/"+secret+"@"+address, "nosuch", "1"),
	} {
		reject(bad, "")
	}
}

package cachetest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/encoding"
)

// sampleConfig has a field of every sort.
type sampleConfig struct {
	Addr           string
	User, Password string
	Size           int
	Wait           time.Duration
	Tags           []string
	Part           struct{ Deep bool }
	KeyEncoding    encoding.Encoding
	Dial           func()

	note string
}

func parseSample(s string) (sampleConfig, error) {
	var c sampleConfig
	d, err := dsn.Parse("sample", s)
	if err != nil {
		return sampleConfig{}, err
	}
	c.Addr = d.Hosts
	d.User(&c.User, &c.Password)
	d.Int("size", &c.Size, 1)
	d.Duration("wait", &c.Wait)
	c.Tags = d.Strings("tag")
	d.Bool("deep", &c.Part.Deep)
	d.Encoding(&c.KeyEncoding)
	if d.Path != "" {
		d.Errorf("path", "want none")
	}
	if err := d.Done(); err != nil {
		return sampleConfig{}, err
	}
	return c, nil
}

func (c sampleConfig) FormatDSN() string {
	b := dsn.Builder{Scheme: "sample", Hosts: c.Addr, User: c.User, Password: c.Password}
	b.Int("size", c.Size)
	b.Duration("wait", c.Wait)
	b.Strings("tag", c.Tags)
	b.Bool("deep", c.Part.Deep)
	b.Encoding(c.KeyEncoding)
	return b.DSN()
}

func newSample(c sampleConfig) (*cache.Cache, error) {
	return cache.New(newMapCache(), cache.Options{Name: "sample", KeyEncoding: c.KeyEncoding}), nil
}

func init() {
	cache.Register("sample", func(s string) (*cache.Cache, error) {
		c, err := parseSample(s)
		if err != nil {
			return nil, err
		}
		return newSample(c)
	})
}

func sampleDSN() DSNTest[sampleConfig] {
	all := sampleConfig{
		Addr: "[::1]:1234", User: "ann", Password: "p@ss/word", Size: 5, Wait: time.Second, Tags: []string{"a", "b&c"}, KeyEncoding: encoding.Safe(),
	}
	all.Part.Deep = true
	return DSNTest[sampleConfig]{
		Scheme: "sample", Parse: parseSample, Format: sampleConfig.FormatDSN,
		Examples:   []sampleConfig{{}, {Addr: "a,b"}, {Tags: []string{}}, all},
		ConfigOnly: []string{"Dial"}, Repeats: []string{"tag"},
		Invalid: map[string]string{"sample://?size=0": "size", "sample://h/path": "path"},
		New:     newSample,
	}
}

func TestDSNTest(t *testing.T) { sampleDSN().Run(t) }

func FuzzDSNTest(f *testing.F) { sampleDSN().Fuzz(f) }

// Each fault of a driver's strings is found.
func TestDSNTestFindsFaults(t *testing.T) {
	type samples = DSNTest[sampleConfig]
	onError := func(d *samples, change func(s string, err error) error) {
		d.Parse = func(s string) (sampleConfig, error) {
			c, err := parseSample(s)
			if err != nil {
				err = change(s, err)
			}
			return c, err
		}
	}
	without := func(s, name string) string {
		head, query, _ := strings.Cut(s, "?")
		values, err := url.ParseQuery(query)
		if err != nil {
			return s
		}
		values.Del(name)
		return strings.TrimSuffix(head+"?"+values.Encode(), "?")
	}
	for name, f := range map[string]struct {
		spoil func(d *samples)
		want  string
	}{
		"a field is not written": {func(d *samples) {
			d.Format = func(c sampleConfig) string { c.Wait = 0; return c.FormatDSN() }
		}, "formats as"},
		"a field is not read": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) {
				c, err := parseSample(s)
				c.Part.Deep = false
				return c, err
			}
		}, "formats as"},
		"a password is not written": {func(d *samples) {
			d.Format = func(c sampleConfig) string { c.Password = ""; return c.FormatDSN() }
		}, "formats as"},
		"an encoding is another": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) {
				c, err := parseSample(s)
				if !c.KeyEncoding.IsZero() {
					c.KeyEncoding = encoding.Base64()
				}
				return c, err
			}
		}, "formats as"},
		"a list loses its end": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) {
				c, err := parseSample(s)
				c.Tags = c.Tags[:min(1, len(c.Tags))]
				return c, err
			}
		}, "formats as"},
		"a field without an example":  {func(d *samples) { d.Examples = d.Examples[:2] }, "no example sets the field"},
		"a deep field":                {func(d *samples) { d.Examples[3].Part.Deep = false }, "the field Part.Deep"},
		"a field that there is not":   {func(d *samples) { d.ConfigOnly = []string{"Dial", "Dialer"} }, "Dialer"},
		"the example is not readable": {func(d *samples) { d.Format = func(sampleConfig) string { return "sample://?size=0" } }, "must be a whole number"},
		"another scheme":              {func(d *samples) { d.Format = func(c sampleConfig) string { return "x" + c.FormatDSN() } }, "want the scheme"},
		"unknown parameters": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) { return parseSample(without(s, "nosuch")) }
		}, "no error"},
		"upper case": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) { return parseSample(strings.Replace(s, "SIZE=", "size=", 1)) }
		}, "SIZE"},
		"known parameters are not listed": {func(d *samples) {
			onError(d, func(s string, err error) error {
				head, _, _ := strings.Cut(err.Error(), "; known")
				return errors.New(head)
			})
		}, `one that says "wait"`},
		"the unknown parameter is not named": {func(d *samples) {
			onError(d, func(s string, err error) error { return errors.New(strings.ReplaceAll(err.Error(), "nosuch", "it")) })
		}, `one that says "nosuch"`},
		"repeated parameters": {func(d *samples) { d.Repeats = nil }, "tag=a&"},
		"a repeat wins": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) {
				if strings.Count(s, "size=") > 1 {
					s = strings.Replace(s, "size=5&", "", 1)
				}
				return parseSample(s)
			}
		}, "no error"},
		"a secret": {func(d *samples) {
			onError(d, func(s string, err error) error { return fmt.Errorf("sample: %w in %.100q", err, s) })
		}, "repeats a secret"},
		"the whole string": {func(d *samples) {
			onError(d, func(s string, err error) error {
				if strings.Contains(s, secret) {
					return err
				}
				return fmt.Errorf("%w in %s", err, s)
			})
		}, "repeats the whole string"},
		"a long value": {func(d *samples) {
			onError(d, func(s string, err error) error {
				if len(s) > 5000 {
					return fmt.Errorf("%w in %s", err, s[30:])
				}
				return err
			})
		}, "an error of"},
		"a bad escape": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) {
				return parseSample(strings.ReplaceAll(s, "tag=%zz", "tag="))
			}
		}, "tag=%zz"},
		"a fragment": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) { s, _, _ = strings.Cut(s, "#"); return parseSample(s) }
		}, "no error"},
		"a scheme": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) { return parseSample(strings.TrimPrefix(s, "x")) }
		}, "no error"},
		"half a Config": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) {
				c, err := parseSample(s)
				if err != nil {
					c.Addr = "left"
				}
				return c, err
			}
		}, "want the zero Config"},
		"an error without the scheme": {func(d *samples) {
			onError(d, func(s string, err error) error { return errors.New(strings.TrimPrefix(err.Error(), "sample: ")) })
		}, "begins with"},
		"something invalid": {func(d *samples) {
			d.Parse = func(s string) (sampleConfig, error) { return parseSample(strings.Replace(s, "size=0", "size=1", 1)) }
		}, "size=0"},
		"New rejects what Parse accepts": {func(d *samples) {
			d.New = func(c sampleConfig) (*cache.Cache, error) {
				if c.Size == 5 {
					return nil, errors.New("too small")
				}
				return newSample(c)
			}
		}, "too small"},
		"another name": {func(d *samples) {
			d.Scheme = "other"
			d.Parse = func(s string) (sampleConfig, error) {
				c, err := parseSample(strings.Replace(s, "other://", "sample://", 1))
				if err != nil {
					err = errors.New("other: " + strings.TrimPrefix(err.Error(), "sample: "))
				}
				return c, err
			}
			d.Format = func(c sampleConfig) string { return strings.Replace(c.FormatDSN(), "sample://", "other://", 1) }
		}, `unknown driver "other"`},
	} {
		d := sampleDSN()
		f.spoil(&d)
		problems := strings.Join(d.problems(), "\n")
		if !strings.Contains(problems, f.want) {
			t.Errorf("%s: found\n%s\nwant something with %q", name, problems, f.want)
		}
	}
}

// Fuzzed strings find faults too.
func TestDSNTestTries(t *testing.T) {
	d := sampleDSN()
	for _, s := range []string{"sample://h?size=7", "sample://h?size=x", "", "sample://" + secret} {
		want := strings.Contains(s, secret)
		if want {
			d.Parse = func(s string) (sampleConfig, error) { return sampleConfig{}, errors.New("sample: dsn: bad " + s) }
		}
		if problem := d.try(s); (problem != "") != want {
			t.Errorf("%q: found %q", s, problem)
		}
	}
	unstable := sampleDSN()
	unstable.Format = func(c sampleConfig) string {
		if c.Size == 7 {
			return "sample://?size=8"
		}
		return c.FormatDSN()
	}
	if problem := unstable.try("sample://?size=7"); !strings.Contains(problem, "comes back as") {
		t.Errorf("a size that changes: found %q", problem)
	}
	if d.equal(sampleConfig{note: "a"}, sampleConfig{note: "b"}) {
		t.Error("fields that are not exported are not compared")
	}
}

package filecache

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
)

const name = "file"

func init() {
	cache.Register(name, func(dsn string) (*cache.Cache, error) {
		config, err := ParseDSN(dsn)
		if err != nil {
			return nil, err
		}
		return New(config)
	})
}

// Config is what a cache in a folder needs to know. The zero Config is a folder in
// the user's cache directory, named after the program.
type Config struct {
	// Dir is an absolute path. The folder is made if it is not there. Files of
	// others in it are left alone.
	Dir string

	// KeyEncoding is applied to the keys of the program; the zero value leaves
	// them as they are.
	KeyEncoding encoding.Encoding
}

// New returns a cache that keeps its items in files. One process may use a folder at
// a time. It starts no goroutine.
func New(config Config) (*cache.Cache, error) {
	if config.Dir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("%s: no folder given: %w", name, err)
		}
		config.Dir = filepath.Join(dir, filepath.Base(os.Args[0]))
	}
	if !filepath.IsAbs(config.Dir) {
		return nil, fmt.Errorf("%s: the folder %q is not an absolute path", name, config.Dir)
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d := &folder{dir: config.Dir}
	return cache.New(d, cache.Options{Name: name, KeyEncoding: config.KeyEncoding}), nil
}

// ParseDSN reads a string such as "file:///var/cache/app?key_encoding=safe".
func ParseDSN(dsn string) (Config, error) {
	// Errors do not repeat the string, here or below: other DSNs hold secrets.
	u, err := url.Parse(dsn)
	if err != nil {
		return Config{}, fmt.Errorf("%s: dsn: want file:///folder?name=value", name)
	}
	if u.Scheme != name || u.Opaque != "" || u.Host != "" || u.User != nil || u.Fragment != "" {
		return Config{}, fmt.Errorf("%s: dsn: want file:///folder, with three slashes and an absolute path", name)
	}
	// Not u.Query(), which drops what it cannot read.
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Config{}, fmt.Errorf("%s: dsn: a parameter is badly escaped", name)
	}
	config := Config{Dir: filepath.FromSlash(u.Path)}
	for parameter, values := range params {
		if len(values) != 1 {
			return Config{}, fmt.Errorf("%s: dsn: parameter %q given %d times, want once", name, parameter, len(values))
		}
		if parameter != "key_encoding" {
			return Config{}, fmt.Errorf("%s: dsn: unknown parameter %q; there is key_encoding", name, parameter)
		}
		config.KeyEncoding, err = encoding.ByName(values[0])
		if err != nil {
			return Config{}, fmt.Errorf("%s: dsn: parameter %s: %w", name, parameter, err)
		}
	}
	return config, nil
}

// FormatDSN returns the string that ParseDSN reads as c.
func (c Config) FormatDSN() string {
	u := url.URL{Path: filepath.ToSlash(c.Dir)}
	dsn := name + "://" + u.EscapedPath()
	if !c.KeyEncoding.Equal(encoding.Encoding{}) {
		dsn += "?" + url.Values{"key_encoding": {c.KeyEncoding.String()}}.Encode()
	}
	return dsn
}

package filecache

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/encoding"
)

// name is the name of the driver: in its DSNs, in errors and in what hooks see.
const name = "file"

func init() {
	cache.Register(name, func(source string) (*cache.Cache, error) {
		config, err := ParseDSN(source)
		if err != nil {
			return nil, err
		}
		return New(config)
	})
}

// Config configures a cache in a folder. The zero Config is a folder in the user's cache
// directory, named after the program.
type Config struct {
	// Dir is an absolute path. New makes the folder if it is absent. The cache leaves
	// the files of others in it alone.
	Dir string

	// KeyEncoding is applied to every key. The zero value leaves keys as they are.
	KeyEncoding encoding.Encoding
}

// New returns a cache that keeps its items in files. One process at a time may use a
// folder. New starts no goroutine.
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

// ParseDSN parses a string such as "file:///var/cache/app?key_encoding=safe".
func ParseDSN(source string) (Config, error) {
	d, err := dsn.Parse(name, source)
	if err != nil {
		return Config{}, err
	}
	if d.Hosts != "" {
		return Config{}, fmt.Errorf("%s: dsn: want file:///folder, with three slashes and an absolute path", name)
	}
	config := Config{Dir: filepath.FromSlash(d.Path)}
	d.Encoding(&config.KeyEncoding)
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	return config, nil
}

// FormatDSN returns the string that ParseDSN parses to c.
func (c Config) FormatDSN() string {
	b := dsn.Builder{Scheme: name, Path: filepath.ToSlash(c.Dir)}
	b.Encoding(c.KeyEncoding)
	return b.DSN()
}

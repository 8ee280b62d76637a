// Package filecache is the example of docs/drivers.md: a complete cache driver that
// keeps each item in a file. What it stores survives a restart of the program, and may
// be larger than its memory.
//
// # DSN
//
//	file:///var/cache/app?key_encoding=safe
//
// The path is the folder. Without one, file:// is a folder in the user's cache
// directory.
//
// # Config
//
// [Config] says the same as the DSN.
//
// # Abilities
//
//	compare-and-swap, -delete   yes
//	touch, ping                 yes
//	many keys in one call       no: the cache calls one after the other
//	statistics                  no
//
// # Errors
//
// A folder that has gone, a full disk and the like are [cache.ErrUnavailable]. A file
// that was damaged is a miss.
//
// # Context
//
// It is looked at before a call and not during one: files do not wait for long.
//
// # Limits
//
// One process at a time may use a folder. A store writes a whole file, and does not
// wait until the disk has it: after a power failure items may be missing, but are
// never wrong. Values are as large as the disk allows. Not for Windows, which does
// not replace a file that is being read.
package filecache

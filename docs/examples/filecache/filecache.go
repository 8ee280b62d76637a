// Package filecache is the example of docs/drivers.md: a complete cache driver that keeps
// each item in a file. Items survive a restart of the program, and together may be larger
// than its memory.
//
// # DSN
//
//	file:///var/cache/app?key_encoding=safe
//
// The path is the folder. Without a path, file:// is a folder in the user's cache
// directory. key_encoding is the name of an encoding, as package encoding knows it.
//
// # Config
//
// [Config] has a field for each part of the DSN. [ParseDSN] and [Config.FormatDSN] convert
// one to the other.
//
// # Abilities
//
//	compare-and-swap, -delete   yes
//	touch                       yes
//	remaining TTL               yes
//	ping                        yes
//	many keys in one call       no: the cache calls the operation on each key
//	statistics                  no
//
// # Errors
//
// A folder that was removed, a full disk and other failures of the file system match
// [cache.ErrUnavailable]. A file that is damaged is a miss.
//
// # Context
//
// The context is checked before a call and not during one: files do not make a call wait
// for long.
//
// # Limits
//
// One process at a time may use a folder. A store writes a whole file, and does not wait
// until the disk has it: after a power failure items may be missing, but are never wrong.
// Values may be as large as the disk allows. It does not run on Windows, which does not
// replace a file that is being read.
package filecache

// Package comingfrom holds the code of docs/coming-from.md, in its tests: the same program
// with another library and with larder.
package comingfrom

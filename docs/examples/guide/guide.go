// Package guide is the code of docs/guide.md, compiled and run by its tests.
package guide

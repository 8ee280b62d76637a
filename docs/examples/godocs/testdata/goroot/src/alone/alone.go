// Package alone imports nothing.
package alone

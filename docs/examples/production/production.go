// Package production holds the code of docs/production.md, in its tests, and tries what
// that page says.
package production

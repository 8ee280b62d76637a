// Package recipes holds the code of docs/recipes.md, in its tests.
package recipes

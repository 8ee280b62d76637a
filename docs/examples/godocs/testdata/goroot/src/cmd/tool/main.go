package main

import "alpha"

var _ alpha.Thing

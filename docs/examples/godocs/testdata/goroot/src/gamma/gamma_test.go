package gamma

import "alpha"

var _ alpha.Thing

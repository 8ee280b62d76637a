package alpha

import "nowhere"

var _ = nowhere.Missing

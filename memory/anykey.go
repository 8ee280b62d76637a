package memory

import "github.com/larder-go/larder/internal/key"

var _ key.AnyGetter = (*store)(nil)

// GetsAnyKey: no stored key is illegal, so looking for one that is finds nothing.
func (*store) GetsAnyKey() {}

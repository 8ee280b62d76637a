module github.com/larder-go/larder/docs/examples/codecs

go 1.25.0

require (
	github.com/klauspost/compress v1.19.1
	github.com/larder-go/larder v0.1.0
	google.golang.org/protobuf v1.36.11
)

// This module is never published. It is separate, so that the other examples do not need the
// libraries that its codecs use.
replace github.com/larder-go/larder => ../../..

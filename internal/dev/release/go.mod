module github.com/larder-go/larder/internal/dev/release

go 1.25.0

require golang.org/x/mod v0.40.0

module github.com/larder-go/larder/internal/dev/testrun

go 1.25.0

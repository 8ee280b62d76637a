module github.com/larder-go/larder

go 1.25.0

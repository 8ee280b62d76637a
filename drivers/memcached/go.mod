module github.com/larder-go/larder/drivers/memcached

go 1.25.0

require github.com/larder-go/larder v0.1.0

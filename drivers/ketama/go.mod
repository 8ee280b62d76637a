module github.com/larder-go/larder/drivers/ketama

go 1.25.0

require (
	github.com/jackc/puddle/v2 v2.2.3
	github.com/larder-go/larder v0.1.0
	github.com/rainycape/memcache v0.0.0-20150622160815-1031fa0ce2f2
)

require golang.org/x/sync v0.1.0 // indirect

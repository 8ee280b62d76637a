module github.com/larder-go/larder/drivers/gomemcache

go 1.25.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/larder-go/larder v0.1.0
)

package cachetest

import (
	"flag"
	"log"
	"os"
	"testing"
)

// TestMain lets many tests run in parallel: those that wait in real time need no processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

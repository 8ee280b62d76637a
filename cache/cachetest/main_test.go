package cachetest

import (
	"flag"
	"log"
	"os"
	"testing"
)

// long runs every case on every faulty driver: go test -long. Without it, a fault is shown
// to the cases that must find it and to one in five of the others.
var long = flag.Bool("long", false, "show every fault to every case")

// TestMain lets many tests run in parallel: those that wait in real time need no processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}

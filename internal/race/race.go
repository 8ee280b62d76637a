// Package race reports to tests whether the race detector is on. The detector allocates, so
// counts of allocations mean nothing under it.
package race

// Left is the reason of a test that is skipped under the race detector, or does less there and logs
// it: the test has one goroutine, in which there is no race to find, and the detector makes it
// slow. make test-alloc runs each test whose body names race.Left, without the detector.
const Left = "left to make test-alloc"

package testbed

import (
	"flag"
	"runtime"
	"strconv"
)

// Parallel raises go test's -parallel to n, unless the user sets it. It is for
// packages whose tests mostly wait for timeouts and other processes. TestMain calls
// it.
func Parallel(n int) {
	flag.Parse()
	f := flag.Lookup("test.parallel")
	if f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set(strconv.Itoa(n)) // a number always fits
	}
}

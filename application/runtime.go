package application

import (
	"os"
	"runtime"
	"runtime/debug"
)

// TuneRuntime suits Go's runtime to a shop, unless the environment says
// otherwise. The heap is small, so that collecting it as often as by default
// costs a fifth of the processor time and saves next to no memory. And a
// goroutine that syncs a file keeps its processor for a while: with two of them
// a spare one answers searches meanwhile.
func TuneRuntime() {
	const heapGrowth, leastProcessors = 400, 4
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastProcessors {
		runtime.GOMAXPROCS(leastProcessors)
	}
}

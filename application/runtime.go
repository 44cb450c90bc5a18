package application

import (
	"os"
	"runtime/debug"

	"literank.com/event-books/infrastructure/disk"
)

// TuneRuntime suits Go's runtime to a shop, unless the environment says
// otherwise. The heap is small, so that collecting it as often as by default
// costs a fifth of the processor time and saves next to no memory. That ends
// when the heap grows, with a large catalogue or while an index is built.
func TuneRuntime() {
	const (
		heapGrowth = 400
		softLimit  = 640 << 20 // bytes
	)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softLimit)
	}
}

// maxConnections is the number of connections of clients for which the process has
// descriptors. It keeps a quarter of them for files, the database and Kafka.
func maxConnections() int {
	const most, least = 10_000, 8
	files := disk.MaxFiles()
	return max(least, min(most, files-max(64, files/4)))
}

package broker

import (
	"log/slog"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/infrastructure/disk"
)

// diskReserve is the free space, in bytes, that records must leave for other
// writes: offsets of groups, topics, the end of a batch.
const diskReserve = 32 << 20

// refuseWhenFull makes the broker answer producers with an error that they retry
// while the disk is nearly full. All other requests work. Without it, the first
// failed write ends the broker, and so does the next one after each restart.
func refuseWhenFull(cluster *kfake.Cluster, dir string, log *slog.Logger) {
	var full bool
	cluster.Fault(kfake.Fault{
		Keys:  []kmsg.Key{kmsg.Produce},
		Err:   kerr.KafkaStorageError,
		Count: -1,
		When: func(kmsg.Request) bool { // called by the single goroutine that answers requests
			was := full
			free, _, err := disk.Space(dir)
			full = err == nil && free < diskReserve
			switch {
			case full && !was:
				log.Error("broker: the disk is full, rejecting records", "dir", dir, "free", free, "reserve", diskReserve)
			case was && !full:
				log.Info("broker: the disk has space again, accepting records", "dir", dir, "free", free)
			}
			return full
		},
	})
}

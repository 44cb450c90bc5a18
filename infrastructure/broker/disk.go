package broker

import (
	"log/slog"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"literank.com/event-books/infrastructure/disk"
)

// diskReserve is left free by records, for what else is written: offsets of
// groups, topics, the end of a batch.
const diskReserve = 32 << 20

// refuseWhenFull lets producers find a full disk in answers that they know how
// to wait on, while all else is served. Without it the first write that fails
// ends the broker, and so does the next one after each restart.
func refuseWhenFull(cluster *kfake.Cluster, dir string, log *slog.Logger) {
	var full bool
	cluster.Fault(kfake.Fault{
		Keys:  []kmsg.Key{kmsg.Produce},
		Err:   kerr.KafkaStorageError,
		Count: -1,
		When: func(kmsg.Request) bool { // by the one goroutine that answers requests
			was := full
			free, _, err := disk.Space(dir)
			full = err == nil && free < diskReserve
			switch {
			case full && !was:
				log.Error("broker: the disk is full, records are refused", "dir", dir, "free", free, "reserve", diskReserve)
			case was && !full:
				log.Info("broker: the disk has room again", "dir", dir, "free", free)
			}
			return full
		},
	})
}

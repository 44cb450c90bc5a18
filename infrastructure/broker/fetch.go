package broker

import (
	"math"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// maxFetch bounds the records of an answer in bytes. One larger batch is answered
	// all the same, or its reader would never get past it.
	maxFetch = 1 << 20
	// maxFetchWait bounds the time that a fetch waits for records. Until then kfake
	// keeps the request in memory, even if its client is gone.
	maxFetchWait = 30_000 // ms
)

// tameFetch bounds the answer by a limit for each partition. At the limit of a whole
// answer (MaxBytes), kfake would leave out the other partitions. Clients reject an
// answer to a full fetch that doesn't name every partition they asked for, and ask
// again at once.
//
// A batch above the limit of its partition is answered only if it is the first in the
// answer. So the order is random: no partition waits for another one.
//
// A full fetch that wants a session gets none (KIP-227 allows that), so every fetch
// is a full one, with limits that add up. In kfake's sessions, partitions that just
// got records come first, and the others wait.
func tameFetch(req *kmsg.FetchRequest) {
	req.MaxWaitMillis = min(req.MaxWaitMillis, maxFetchWait)
	if req.SessionEpoch == 0 {
		req.SessionEpoch = -1
	}
	var partitions int32
	for _, topic := range req.Topics {
		partitions += int32(len(topic.Partitions))
	}
	share := min(req.MaxBytes, maxFetch) / max(1, partitions)
	req.MaxBytes = math.MaxInt32
	shuffle(req.Topics)
	for _, topic := range req.Topics {
		shuffle(topic.Partitions)
		for i := range topic.Partitions {
			partition := &topic.Partitions[i]
			partition.PartitionMaxBytes = min(partition.PartitionMaxBytes, share)
		}
	}
}

func shuffle[T any](s []T) {
	rand.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

package broker

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// lockName is the file whose lock keeps other processes out of the folder.
	lockName = "lock"
	// partitionsName is kfake's folder with a folder for each partition.
	partitionsName = "partitions"
)

// folder notices that files of the broker were deleted or replaced. kfake keeps them
// open, and would acknowledge records that nobody finds after the next start.
type folder struct {
	dir  string
	lock fs.FileInfo // as it was at the start
}

func openFolder(dir string) (*folder, error) {
	lock, err := os.Stat(filepath.Join(dir, lockName))
	return &folder{dir, lock}, err
}

// check returns an error if records that kfake acknowledges in an answer are lost. A nil
// folder checks nothing.
func (f *folder) check(answer *kmsg.ProduceResponse) error {
	if f == nil {
		return nil
	}
	lock, err := os.Stat(filepath.Join(f.dir, lockName))
	if err != nil {
		return fmt.Errorf("the broker's folder was deleted: %w", err)
	}
	if !os.SameFile(lock, f.lock) {
		return fmt.Errorf("the broker's folder %s was replaced", f.dir)
	}
	for _, topic := range answer.Topics {
		for _, partition := range topic.Partitions {
			if partition.ErrorCode != 0 || !topicName.MatchString(topic.Topic) {
				continue
			}
			name := topic.Topic + "-" + strconv.Itoa(int(partition.Partition))
			if _, err := os.Stat(filepath.Join(f.dir, partitionsName, name)); err != nil {
				return fmt.Errorf("the broker's folder was deleted: %w", err)
			}
		}
	}
	return nil
}

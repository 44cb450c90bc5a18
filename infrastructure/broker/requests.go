package broker

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// servedVersions returns the latest version of each served request: that of Kafka
// 4.0. In later versions, a client can produce to a topic by its id, and kfake panics
// if that topic was deleted.
//
// CreateTopics is served without the versions that return the topic's settings: Java
// clients can't read the source that kfake gives for them.
func servedVersions() *kversion.Versions {
	versions := kversion.V4_0_0()
	versions.SetMaxKeyVersion(int16(kmsg.CreateTopics), 4)
	var others []int16
	versions.EachMaxKeyVersion(func(key, _ int16) {
		if _, served := layouts[kmsg.Key(key)]; !served {
			others = append(others, key)
		}
	})
	for _, key := range others {
		versions.SetMaxKeyVersion(key, -1)
	}
	return versions
}

// maxPartitions is far above what one machine needs. Without it, kfake would create
// as many partitions as a request asks for, up to two billion.
const maxPartitions = 256

// topicName is Kafka's rule for names. kfake doesn't check it: a client could create a
// topic whose name is too long for a folder, and every later start would fail.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// tame changes a frame so that it can't harm kfake. A request that can't be carried
// out becomes one that kfake answers with an error.
func tame(frame []byte, log *slog.Logger) ([]byte, error) {
	rest := kbin.Reader{Src: frame[lengthSize:]}
	key := kmsg.Key(rest.Int16())
	switch key {
	case kmsg.Produce, kmsg.Fetch, kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.JoinGroup, kmsg.ListGroups:
	default:
		return frame, nil
	}
	req := key.Request()
	req.SetVersion(rest.Int16())
	rest.Int32() // correlation id
	rest.NullableString()
	if req.IsFlexible() {
		kmsg.SkipTags(&rest)
	}
	header := frame[:len(frame)-len(rest.Src)]
	if err := req.ReadFrom(rest.Src); err != nil {
		return nil, fmt.Errorf("request %s: %w", key.Name(), err)
	}
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		tameProduce(req)
		return frame, nil // changed in place
	case *kmsg.FetchRequest:
		tameFetch(req)
	case *kmsg.CreateTopicsRequest:
		for i := range req.Topics {
			tameTopic(&req.Topics[i], log)
		}
	case *kmsg.CreatePartitionsRequest:
		for i := range req.Topics {
			if topic := &req.Topics[i]; topic.Count > maxPartitions {
				log.Warn("broker: refused partitions", "topic", topic.Topic, "partitions", topic.Count, "bound", maxPartitions)
				topic.Count = 0 // kfake answers INVALID_PARTITIONS
			}
		}
	case *kmsg.JoinGroupRequest:
		tameJoin(req)
	case *kmsg.ListGroupsRequest:
		tameList(req)
	}
	frame = req.AppendTo(slices.Clip(header))
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-lengthSize))
	return frame, nil
}

// tameProduce corrupts batches that claim to hold less than one record: offsets would
// go backwards and overwrite acknowledged records.
func tameProduce(req *kmsg.ProduceRequest) {
	const magicAt, countAt, headerSize = 16, 57, 61
	for _, topic := range req.Topics {
		for _, partition := range topic.Partitions {
			batch := partition.Records
			if len(batch) >= headerSize && int32(binary.BigEndian.Uint32(batch[countAt:])) < 1 {
				batch[magicAt] = 0xff // kfake answers CORRUPT_MESSAGE
			}
		}
	}
}

// tameTopic removes retention settings from a topic. Retention by time deletes too
// much here (see settings), and kfake's compaction deletes old files before it writes
// the new ones.
func tameTopic(topic *kmsg.CreateTopicsRequestTopic, log *slog.Logger) {
	partitions := max(int(topic.NumPartitions), len(topic.ReplicaAssignment))
	if partitions > maxPartitions || !topicName.MatchString(topic.Topic) {
		log.Warn("broker: refused a topic", "topic", topic.Topic, "partitions", partitions, "bound", maxPartitions)
		topic.NumPartitions, topic.ReplicaAssignment = 0, nil // kfake answers INVALID_PARTITIONS
	}
	topic.Configs = slices.DeleteFunc(topic.Configs, func(config kmsg.CreateTopicsRequestTopicConfig) bool {
		switch config.Name {
		case "cleanup.policy", "retention.ms", "retention.bytes", "segment.bytes":
			return true
		}
		return false
	})
}

// tameJoin removes duplicate protocols. kfake counts members per protocol and panics if
// no protocol is common to all members.
func tameJoin(req *kmsg.JoinGroupRequest) {
	seen := make(map[string]bool)
	req.Protocols = slices.DeleteFunc(req.Protocols, func(protocol kmsg.JoinGroupRequestProtocol) bool {
		again := seen[protocol.Name]
		seen[protocol.Name] = true
		return again
	})
	if len(req.Protocols) == 0 {
		req.ProtocolType = "" // kfake answers INCONSISTENT_GROUP_PROTOCOL
	}
}

// tameList spells filters as kfake does, which compares them byte by byte. Kafka ignores
// case, and its own tools send capitalised types.
func tameList(req *kmsg.ListGroupsRequest) {
	for i, asked := range req.TypesFilter {
		req.TypesFilter[i] = strings.ToLower(asked)
	}
	states := []string{"Empty", "Stable", "PreparingRebalance", "CompletingRebalance", "Reconciling", "Dead"}
	for i, asked := range req.StatesFilter {
		for _, state := range states {
			if strings.EqualFold(asked, state) {
				req.StatesFilter[i] = state
			}
		}
	}
}

package broker

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// served lists what producers, consumers and the tools around them ask of a
// broker. Left out, and not advertised either: accounts and permissions, which
// protect nothing here; moving replicas, since there are none; changing
// settings, which decide what is kept; and DeleteRecords, after which a
// partition can start again at offset 0.
var served = []kmsg.Key{
	kmsg.ApiVersions, kmsg.Metadata, kmsg.DescribeCluster, kmsg.DescribeConfigs,
	kmsg.DescribeLogDirs, kmsg.DescribeTopicPartitions,
	kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.CreatePartitions,
	kmsg.Produce, kmsg.InitProducerID, kmsg.DescribeProducers,
	kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn,
	kmsg.DescribeTransactions, kmsg.ListTransactions,
	kmsg.Fetch, kmsg.ListOffsets, kmsg.OffsetForLeaderEpoch,
	kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup,
	kmsg.ConsumerGroupHeartbeat, kmsg.ConsumerGroupDescribe,
	kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.OffsetDelete,
	kmsg.DescribeGroups, kmsg.ListGroups, kmsg.DeleteGroups,
}

// servedVersions returns the newest version of each request served: those of
// Kafka 4.0. Later ones let a client produce to a topic by its id, which
// panics when the topic was deleted.
func servedVersions() *kversion.Versions {
	versions := kversion.V4_0_0()
	var others []int16
	versions.EachMaxKeyVersion(func(key, _ int16) {
		if !slices.Contains(served, kmsg.Key(key)) {
			others = append(others, key)
		}
	})
	for _, key := range others {
		versions.SetMaxKeyVersion(key, -1)
	}
	return versions
}

// maxPartitions is far above what one machine can use. kfake would make as
// many as a request says, up to two billion.
const maxPartitions = 256

// topicName is Kafka's rule, which kfake doesn't know: a topic whose name is
// too long for a folder could be created, and no start would succeed again.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// needsTaming tells which requests tame knows.
func needsTaming(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.CreateTopics, kmsg.CreatePartitions, kmsg.JoinGroup:
		return true
	}
	return false
}

// tame rewrites a frame so that kfake survives it. Where the request can't be
// carried out, it becomes one that kfake answers with an error.
func tame(frame []byte, log *slog.Logger) ([]byte, error) {
	rest := kbin.Reader{Src: frame[lengthSize:]}
	req := kmsg.RequestForKey(rest.Int16())
	req.SetVersion(rest.Int16())
	rest.Int32() // correlation id
	rest.NullableString()
	if req.IsFlexible() {
		kmsg.SkipTags(&rest)
	}
	header := frame[:len(frame)-len(rest.Src)]
	if err := req.ReadFrom(rest.Src); err != nil {
		return nil, fmt.Errorf("request %s: %w", kmsg.NameForKey(req.Key()), err)
	}
	switch req := req.(type) {
	case *kmsg.CreateTopicsRequest:
		for i := range req.Topics {
			tameTopic(&req.Topics[i], log)
		}
	case *kmsg.CreatePartitionsRequest:
		for i := range req.Topics {
			if topic := &req.Topics[i]; topic.Count > maxPartitions {
				log.Warn("broker: refused partitions", "topic", topic.Topic, "partitions", topic.Count, "bound", maxPartitions)
				topic.Count = 0 // answered by INVALID_PARTITIONS
			}
		}
	case *kmsg.JoinGroupRequest:
		tameJoin(req)
	}
	frame = req.AppendTo(slices.Clip(header))
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-lengthSize))
	return frame, nil
}

// tameTopic lets a topic have no say in what is kept of it: a retention by
// time is a trap here (see settings), and compaction deletes the old files
// before it writes the new ones.
func tameTopic(topic *kmsg.CreateTopicsRequestTopic, log *slog.Logger) {
	partitions := max(int(topic.NumPartitions), len(topic.ReplicaAssignment))
	if partitions > maxPartitions || !topicName.MatchString(topic.Topic) {
		log.Warn("broker: refused a topic", "topic", topic.Topic, "partitions", partitions, "bound", maxPartitions)
		topic.NumPartitions, topic.ReplicaAssignment = 0, nil // answered by INVALID_PARTITIONS
	}
	topic.Configs = slices.DeleteFunc(topic.Configs, func(config kmsg.CreateTopicsRequestTopicConfig) bool {
		switch config.Name {
		case "cleanup.policy", "retention.ms", "retention.bytes", "segment.bytes":
			return true
		}
		return false
	})
}

// tameJoin sees to it that each member has protocols, each once. kfake counts
// members by protocol and panics when it finds none that all have.
func tameJoin(req *kmsg.JoinGroupRequest) {
	seen := make(map[string]bool)
	req.Protocols = slices.DeleteFunc(req.Protocols, func(protocol kmsg.JoinGroupRequestProtocol) bool {
		again := seen[protocol.Name]
		seen[protocol.Name] = true
		return again
	})
	if len(req.Protocols) == 0 {
		req.ProtocolType = "" // answered by INCONSISTENT_GROUP_PROTOCOL
	}
}

package broker

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxMended bounds the size of answers that are decoded. A client may trick the guard into
// decoding another answer, by using a correlation id twice, and decoding takes many times
// the memory.
const maxMended = 64 << 10

// expectAnswer notes a request whose answer needs mending.
func (c *guardedConn) expectAnswer(key, version int16, correlation uint32) {
	if key == int16(kmsg.ConsumerGroupDescribe) {
		c.mending.Store(correlation, version)
	}
}

// mend returns the answer that the client gets. In descriptions of groups of the new
// protocol (KIP-848), kfake leaves out the names of assigned topics. Kafka's tools ask for
// a topic without a name then, again and again for a minute.
func (c *guardedConn) mend(answer []byte) []byte {
	const body = lengthSize + 4 + 1 // correlation id, no tags
	if len(answer) < body || len(answer) > maxMended {
		return answer
	}
	cluster := c.guard.cluster.Load()
	version, found := c.mending.LoadAndDelete(binary.BigEndian.Uint32(answer[lengthSize:]))
	if !found || cluster == nil {
		return answer
	}
	resp := kmsg.NewPtrConsumerGroupDescribeResponse()
	resp.SetVersion(version.(int16))
	if resp.ReadFrom(answer[body:]) != nil {
		return answer
	}
	for _, group := range resp.Groups {
		for i := range group.Members {
			nameTopics(cluster, &group.Members[i].Assignment)
			nameTopics(cluster, &group.Members[i].TargetAssignment)
		}
	}
	answer = resp.AppendTo(answer[:body:body])
	binary.BigEndian.PutUint32(answer, uint32(len(answer)-lengthSize))
	return answer
}

// nameTopics drops topics that were deleted meanwhile.
func nameTopics(cluster *kfake.Cluster, assignment *kmsg.Assignment) {
	named := assignment.TopicPartitions[:0]
	for _, topic := range assignment.TopicPartitions {
		if info := cluster.TopicIDInfo(topic.TopicID); info != nil {
			topic.Topic = info.Topic
			named = append(named, topic)
		}
	}
	assignment.TopicPartitions = named
}

package broker

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxInspected bounds the size of answers that are decoded. A client may trick the guard
// into decoding another answer, by using a correlation id twice, and decoding takes many
// times the memory.
const maxInspected = 64 << 10

// request is what the guard remembers of a request whose answer it looks at.
type request struct{ key, version int16 }

// expectAnswer notes a request if the guard looks at its answer.
func (c *guardedConn) expectAnswer(frame []byte) {
	in := kbin.Reader{Src: frame[lengthSize:]}
	of := request{in.Int16(), in.Int16()}
	correlation := uint32(in.Int32())
	switch kmsg.Key(of.key) {
	case kmsg.Produce:
		if acksOf(&in, of.version) == 0 {
			return // kfake doesn't answer it, and the note would stay for ever
		}
	case kmsg.ConsumerGroupDescribe:
	case kmsg.JoinGroup, kmsg.SyncGroup:
		c.member.Store(&membership{correlation, make(chan struct{})})
		return
	default:
		return
	}
	c.expected.Store(correlation, of)
}

// membership is a request to join a group, or for partitions. It is answered when the other members
// have sent theirs.
type membership struct {
	correlation uint32
	answered    chan struct{}
}

// membershipTimeout bounds how long a group may take to answer.
const membershipTimeout = 10 * time.Minute

// awaitMembership keeps the end of a connection from kfake until kfake has answered a member of a
// group. It only begins to watch over a member when it has answered: a member that was gone before
// would keep its partitions for ever.
func (c *guardedConn) awaitMembership() {
	m := c.member.Load()
	if m == nil {
		return
	}
	select {
	case <-m.answered:
	case <-c.guard.closed:
	case <-time.After(membershipTimeout):
	}
}

// acksOf reads the acks of a produce request from what follows the correlation id.
func acksOf(in *kbin.Reader, version int16) int16 {
	in.NullableString() // client id
	request := kmsg.ProduceRequest{Version: version}
	if request.IsFlexible() {
		kmsg.SkipTags(in)
		in.CompactNullableString() // transactional id
	} else {
		in.NullableString()
	}
	return in.Int16()
}

// inspect returns the answer that the client gets, or an error if the client must get
// none, because it acknowledges records that are lost.
func (c *guardedConn) inspect(answer []byte) ([]byte, error) {
	const header = lengthSize + 4 // correlation id
	if len(answer) <= header {
		return answer, nil
	}
	correlation := binary.BigEndian.Uint32(answer[lengthSize:])
	if m := c.member.Load(); m != nil && m.correlation == correlation && c.member.CompareAndSwap(m, nil) {
		close(m.answered)
	}
	found, ok := c.expected.LoadAndDelete(correlation)
	if !ok || len(answer) > maxInspected {
		return answer, nil
	}
	of := found.(request)
	response := kmsg.ResponseForKey(of.key)
	response.SetVersion(of.version)
	body := header
	if response.IsFlexible() {
		body++ // no tags
	}
	if response.ReadFrom(answer[body:]) != nil {
		return answer, nil
	}
	switch response := response.(type) {
	case *kmsg.ProduceResponse:
		return answer, c.guard.folder.check(response)
	case *kmsg.ConsumerGroupDescribeResponse:
		return c.describe(answer[:body:body], response), nil
	}
	return answer, nil
}

// describe completes descriptions of groups of the new protocol (KIP-848), in which kfake
// leaves out the names of assigned topics. Kafka's tools ask for a topic without a name
// then, again and again for a minute.
func (c *guardedConn) describe(header []byte, response *kmsg.ConsumerGroupDescribeResponse) []byte {
	if cluster := c.guard.cluster.Load(); cluster != nil {
		for _, group := range response.Groups {
			for i := range group.Members {
				nameTopics(cluster, &group.Members[i].Assignment)
				nameTopics(cluster, &group.Members[i].TargetAssignment)
			}
		}
	}
	answer := response.AppendTo(header)
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

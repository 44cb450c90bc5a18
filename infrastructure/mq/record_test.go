package mq

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The size decides about batches: it must not be less than what sarama counts.
func TestSizeIsThatOfTheRecord(t *testing.T) {
	r := &Record{
		Key: "Ёж 🍕", Value: []byte(`[{"id":1}]`), Time: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC),
		Headers: AppendSource([]Header{{Key: "ce_id", Value: []byte("0198c0de-0000-7000-8000-000000000001")}, {Key: "empty"}}, "/event-books/test/1", 258),
	}
	message := r.message("t")
	assert.GreaterOrEqual(t, r.Size(), message.ByteSize(2))
	assert.Less(t, r.Size(), message.ByteSize(2)+100)
}

// The vectors are those of Apache Kafka's UtilsTest.testMurmur2; the last two
// were read off its console producer.
func TestKeysLieWhereJavaClientsPutThem(t *testing.T) {
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	} {
		for _, partitions := range []int32{1, 3, 7, 50} {
			got, err := sarama.NewMurmur2Partitioner("t").Partition((&Record{Key: key}).message("t"), partitions)
			require.NoError(t, err)
			assert.Equal(t, (hash&0x7fffffff)%partitions, got, key)
		}
	}
}

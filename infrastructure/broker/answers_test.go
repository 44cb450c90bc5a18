package broker

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The guard forgets each request whose answer it looked at. kfake doesn't answer a
// produce request without acks.
func TestExpectedAnswers(t *testing.T) {
	noted := func(c *guardedConn) (n int) {
		c.expected.Range(func(any, any) bool { n++; return true })
		return n
	}
	transaction := "a transaction"
	for version := int16(3); version <= 12; version++ {
		for _, transactionID := range []*string{nil, &transaction} {
			for acks, want := range map[int16]int{-1: 1, 1: 1, 0: 0} {
				c := &guardedConn{}
				c.expectAnswer(frameOf(&kmsg.ProduceRequest{Acks: acks, TransactionID: transactionID}, version))
				require.Equal(t, want, noted(c), "version %d, acks %d", version, acks)
			}
		}
	}

	c := &guardedConn{}
	c.expectAnswer(frameOf(&kmsg.FetchRequest{}, 12))
	require.Zero(t, noted(c))
	c.expectAnswer(frameOf(&kmsg.ConsumerGroupDescribeRequest{}, 0))
	require.Equal(t, 1, noted(c))
	large := make([]byte, maxInspected+1)
	large[7] = 7 // the correlation id of frameOf
	answer, err := c.inspect(large)
	require.NoError(t, err)
	require.Equal(t, large, answer)
	require.Zero(t, noted(c))
}

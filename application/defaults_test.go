package application

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"literank.com/event-books/infrastructure/broker"
	"literank.com/event-books/infrastructure/config"
	"literank.com/event-books/infrastructure/spool"
)

// Package config repeats the bounds of the spool and the broker, because it imports no
// package of this module.
func TestSettingsFollowSpoolAndBroker(t *testing.T) {
	c, err := config.ParseDefault()
	require.NoError(t, err)
	assert.Equal(t, broker.DefaultMaxBytes, c.MQ.BrokerMaxBytes)
	assert.EqualValues(t, spool.DefaultBytes, c.MQ.SpoolMaxBytes)
	t.Setenv("EVENT_BOOKS_MQ_SPOOL_MAX_BYTES", "100663296")
	require.EqualValues(t, 100663296, spool.MinBytes)
	_, err = config.ParseDefault()
	assert.NoError(t, err)
	t.Setenv("EVENT_BOOKS_MQ_SPOOL_MAX_BYTES", "100663295")
	_, err = config.ParseDefault()
	assert.ErrorContains(t, err, "mq.spool_max_bytes")
}

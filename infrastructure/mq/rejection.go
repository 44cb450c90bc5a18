package mq

import (
	"errors"

	"github.com/IBM/sarama"
)

// rejects reports whether Kafka rejected a record permanently: the record is not
// in the topic and never will be. Missing rights and a missing topic are no
// rejections: an operator can mend them, and the record waits.
func rejects(err error) bool {
	for _, rejection := range []error{
		sarama.ErrMessageSizeTooLarge, sarama.ErrInvalidMessageSize, sarama.ErrMessageSetSizeTooLarge,
		sarama.ErrInvalidTimestamp, sarama.ErrInvalidRecord, sarama.ErrUnsupportedForMessageFormat,
	} {
		if errors.Is(err, rejection) {
			return true
		}
	}
	_, tooLarge := errors.AsType[sarama.ConfigurationError](err) // sarama checks the size itself
	return tooLarge
}

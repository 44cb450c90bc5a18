"""Reads a topic with confluent-kafka.

Usage: python read_confluent.py BROKERS TOPIC GROUP COUNT

Reads COUNT records or a few more, prints the partition and the offset of each, and closes
the consumer, which commits. An empty GROUP reads from the beginning, without a group.
"""

import sys

from confluent_kafka import Consumer, KafkaException, TopicPartition

brokers, topic, group, count = sys.argv[1:]
consumer = Consumer({
    "bootstrap.servers": brokers,
    "group.id": group or "none",
    "auto.offset.reset": "earliest",
    "enable.auto.commit": bool(group),
})
if group:
    consumer.subscribe([topic])
else:
    partitions = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
for _ in range(int(count)):
    message = consumer.poll(60)
    assert message is not None, "no record for a minute"
    if message.error():
        raise KafkaException(message.error())
    print(message.partition(), message.offset())
consumer.close()

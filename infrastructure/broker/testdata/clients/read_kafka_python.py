"""Reads a topic with kafka-python.

Usage: python read_kafka_python.py BROKERS TOPIC GROUP COUNT

Reads COUNT records or a few more, prints the partition and the offset of each, and closes
the consumer, which commits. An empty GROUP reads from the beginning, without a group.
"""

import sys

from kafka import KafkaConsumer

brokers, topic, group, count = sys.argv[1:]
consumer = KafkaConsumer(topic, bootstrap_servers=brokers.split(","), group_id=group or None, auto_offset_reset="earliest")
read = 0
while read < int(count):
    polled = consumer.poll(timeout_ms=60_000)
    assert polled, "no record for a minute"
    for messages in polled.values():
        for message in messages:
            print(message.partition, message.offset)
            read += 1
consumer.close()

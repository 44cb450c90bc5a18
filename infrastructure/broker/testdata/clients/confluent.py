"""Uses a broker like a program built on confluent-kafka.

Usage: python confluent.py BROKERS NAME

The broker must not know NAME yet. Prints one line of JSON: the partition of each key.
"""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient, NewTopic

BROKERS, NAME = sys.argv[1:]
KEYS = ["pride and prejudice", "Ünïcode", "日本語", "🍕", "a", "21", "foobar", "x" * 300]
TIMEOUT = 30


def until(what, condition):
    """Repeats a condition until it holds. The condition does the polling."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, f"no {what} within {TIMEOUT} s"


def new_producer(**options):
    return Producer({"bootstrap.servers": BROKERS, "partitioner": "murmur2_random", "linger.ms": 0, **options})


class Member:
    """A member of a group. Records its assignment and its records."""

    def __init__(self, group, topic, protocol):
        config = {
            "bootstrap.servers": BROKERS,
            "group.id": group,
            "group.protocol": protocol,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
        if protocol == "classic":
            config |= {"session.timeout.ms": 6000, "heartbeat.interval.ms": 200}
        self.consumer = Consumer(config)
        self.consumer.subscribe([topic])
        self.records = []

    def poll(self):
        message = self.consumer.poll(0.02)
        if message is None:
            return
        if message.error():
            raise KafkaException(message.error())
        self.records.append((message.key().decode(), message.value().decode(), message.partition()))
        self.consumer.commit(message, asynchronous=False)

    def partitions(self):
        return {p.partition for p in self.consumer.assignment()}


def groups(admin, protocol):
    topic, group = f"{NAME}-groups-{protocol}", f"{NAME}-group-{protocol}"
    admin.create_topics([NewTopic(topic, 3, 1)])[topic].result()
    try:
        admin.create_topics([NewTopic(topic, 3, 1)])[topic].result()
        raise AssertionError("a topic was created twice")
    except KafkaException as error:
        assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, error
    producer = new_producer(**{"enable.idempotence": True})
    partitions = {}

    def delivered(error, message):
        assert error is None, error
        partitions[message.key().decode()] = message.partition()

    def send(value):
        for key in KEYS:
            producer.produce(topic, key=key, value=value, on_delivery=delivered)
        assert producer.flush(TIMEOUT) == 0

    send("first")
    a = Member(group, topic, protocol)
    until("records", lambda: a.poll() or len(a.records) == len(KEYS))
    assert a.partitions() == {0, 1, 2}, a.partitions()

    b = Member(group, topic, protocol)
    both = lambda: (a.poll(), b.poll())
    until("rebalance", lambda: both() and b.partitions() and len(a.partitions()) + len(b.partitions()) == 3)
    assert not a.partitions() & b.partitions(), "a partition has two readers"
    send("second")
    seconds = lambda: {key for key, value, _ in a.records + b.records if value == "second"}
    until("records for two", lambda: both() and seconds() == set(KEYS))
    for key, _, partition in a.records + b.records:
        assert partitions[key] == partition, "a key has two partitions"
    b.consumer.close()
    until("partitions of the one that left", lambda: a.poll() or len(a.partitions()) == 3)
    a.consumer.close()

    send("third")
    c = Member(group, topic, protocol)
    until("the rest", lambda: c.poll() or len(c.records) == len(KEYS))
    assert {value for _, value, _ in c.records} == {"third"}, "committed offsets are lost"
    c.consumer.close()
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in range(3)])
    found = admin.list_consumer_group_offsets([asked])[group].result()
    assert sum(max(0, p.offset) for p in found.topic_partitions) == 3 * len(KEYS), found.topic_partitions
    described = admin.describe_consumer_groups([group])[group].result()
    assert described.state.name == "EMPTY", described.state
    return partitions


def read_all(topic, isolation):
    """Reads a topic of one partition up to a record with the value "end"."""
    consumer = Consumer({"bootstrap.servers": BROKERS, "group.id": f"{topic}-{isolation}", "isolation.level": isolation})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = []

    def poll():
        message = consumer.poll(0.05)
        if message is not None:
            assert message.error() is None, message.error()
            values.append(message.value().decode())
        return "end" in values

    until("the end", poll)
    consumer.close()
    return values


def transactions(admin):
    input_, output, group = f"{NAME}-input", f"{NAME}-output", f"{NAME}-processor"
    for created in admin.create_topics([NewTopic(input_, 1, 1), NewTopic(output, 1, 1)]).values():
        created.result()
    feeder = new_producer()
    for value in ["one", "two", "three", "end"]:
        feeder.produce(input_, value=value)
    assert feeder.flush(TIMEOUT) == 0

    producer = new_producer(**{"transactional.id": f"{NAME}-transactions"})
    producer.init_transactions(TIMEOUT)
    consumer = Consumer({
        "bootstrap.servers": BROKERS, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "isolation.level": "read_committed",
    })
    consumer.subscribe([input_])

    def committed():
        return consumer.committed([TopicPartition(input_, 0)], TIMEOUT)[0].offset

    def process(end):
        """Handles one record in a transaction."""
        messages = []
        until("a record", lambda: messages or messages.extend(m for m in [consumer.poll(0.05)] if m) or messages)
        assert messages[0].error() is None, messages[0].error()
        producer.begin_transaction()
        producer.produce(output, key="k", value=messages[0].value())
        assert producer.flush(TIMEOUT) == 0  # an abort would drop unsent records
        producer.send_offsets_to_transaction(
            consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), TIMEOUT)
        end(TIMEOUT)

    process(producer.commit_transaction)
    assert committed() == 1, committed()
    process(producer.abort_transaction)
    assert committed() == 1, "offsets of an aborted transaction count"
    process(producer.commit_transaction)
    assert committed() == 3, committed()
    process(producer.commit_transaction)
    consumer.close()

    assert read_all(output, "read_committed") == ["one", "three", "end"]
    assert read_all(output, "read_uncommitted") == ["one", "two", "three", "end"]

    # A second producer with the same id aborts the transaction of the first.
    producer.begin_transaction()
    producer.produce(output, value="never")
    producer.flush(TIMEOUT)
    successor = new_producer(**{"transactional.id": f"{NAME}-transactions"})
    successor.init_transactions(TIMEOUT)
    try:
        producer.commit_transaction(TIMEOUT)
        raise AssertionError("a fenced producer could commit")
    except KafkaException as error:
        assert error.args[0].code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH), error
    successor.begin_transaction()
    successor.produce(output, value="last")
    successor.commit_transaction(TIMEOUT)


def main():
    admin = AdminClient({"bootstrap.servers": BROKERS})
    classic = groups(admin, "classic")
    assert groups(admin, "consumer") == classic
    transactions(admin)
    created = [topic for topic in admin.list_topics(timeout=TIMEOUT).topics if topic.startswith(NAME)]
    for deleted in admin.delete_topics(created).values():
        deleted.result()
    print(json.dumps(classic))


main()

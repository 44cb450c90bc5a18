// Uses a broker like a program built on kafkajs. Usage: node kafkajs.js BROKERS NAME
// The broker must not know NAME yet. Prints one line of JSON: the partition of each key.
'use strict'
const assert = require('node:assert')
const { Kafka, Partitioners, logLevel } = require('kafkajs')

const [brokers, name] = process.argv.slice(2)
const kafka = new Kafka({ clientId: name, brokers: brokers.split(','), logLevel: logLevel.NOTHING })
const keys = ['pride and prejudice', 'Ünïcode', '日本語', '🍕', 'a', '21', 'foobar', 'x'.repeat(300)]
const timeout = 30000
// What a commit or a heartbeat of the generation before ends with. kafkajs calls it a
// crash if it comes at a bad moment, on Kafka, too.
const rebalances = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']

// until waits for a condition.
async function until(what, condition) {
  const end = Date.now() + timeout
  while (!await condition()) {
    assert(Date.now() < end, `no ${what} within ${timeout} ms`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

function newProducer(options) {
  return kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...options })
}

// member joins a group and records its assignment and its records.
async function member(group, topic) {
  const m = { records: [], partitions: [] }
  m.consumer = kafka.consumer({ groupId: group, sessionTimeout: 6000, rebalanceTimeout: 6000, heartbeatInterval: 200, maxWaitTimeInMs: 100 })
  m.consumer.on(m.consumer.events.GROUP_JOIN, e => { m.partitions = e.payload.memberAssignment[topic] || [] })
  m.consumer.on(m.consumer.events.CRASH, e => {
    if (!rebalances.includes(e.payload.error.type)) m.crash = e.payload.error
  })
  await m.consumer.connect()
  await m.consumer.subscribe({ topic, fromBeginning: true })
  await m.consumer.run({
    autoCommitInterval: 100,
    eachMessage: async ({ partition, message }) => {
      m.records.push({ partition, offset: message.offset, key: String(message.key), value: String(message.value) })
    },
  })
  m.leave = async () => {
    await m.consumer.disconnect() // commits the handled records
    assert.equal(m.crash, undefined)
  }
  return m
}

async function groups(admin) {
  const topic = `${name}-groups`, group = `${name}-group`
  assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 1 }] }), true)
  assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 1 }] }), false)
  const producer = newProducer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const send = value => producer.send({ topic, acks: -1, messages: keys.map(key => ({ key, value })) })
  await send('first')

  const a = await member(group, topic)
  await until('records', () => a.records.length === keys.length)
  assert.deepEqual(a.partitions.slice().sort(), [0, 1, 2])
  const partitions = Object.fromEntries(a.records.map(r => [r.key, r.partition]))

  const b = await member(group, topic)
  await until('rebalance', () => b.partitions.length > 0 && a.partitions.length + b.partitions.length === 3)
  await send('second')
  const seconds = () => [...a.records, ...b.records].filter(r => r.value === 'second')
  await until('records for two', () => new Set(seconds().map(r => r.key)).size === keys.length)
  for (const [m, other] of [[a, b], [b, a]]) {
    assert(m.partitions.every(p => !other.partitions.includes(p)), 'a partition has two readers')
    assert(m.records.filter(r => r.value === 'second').every(r => m.partitions.includes(r.partition)))
    assert(m.records.every(r => r.partition === partitions[r.key]), 'a key has two partitions')
  }
  const committed = async () => {
    const [{ partitions }] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    return partitions.reduce((sum, p) => sum + Math.max(0, Number(p.offset)), 0)
  }
  await until('commits', async () => await committed() === 2 * keys.length)
  await b.leave()
  await until('partitions of the one that left', () => a.partitions.length === 3)
  await a.leave()

  await send('third')
  const c = await member(group, topic)
  await until('the rest', () => c.records.length === keys.length)
  assert(c.records.every(r => r.value === 'third'), 'committed offsets are lost')
  await c.leave()
  assert.equal(await committed(), 3 * keys.length)
  const described = await admin.describeGroups([group])
  assert.equal(described.groups[0].state, 'Empty')
  await producer.disconnect()
  return partitions
}

// readAll reads a topic with one partition up to a record with the value 'end'.
async function readAll(topic, readUncommitted) {
  const consumer = kafka.consumer({ groupId: `${topic}-${readUncommitted}`, readUncommitted, maxWaitTimeInMs: 100 })
  const values = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => { values.push(String(message.value)) } })
  await until('the end', () => values.includes('end'))
  await consumer.disconnect()
  return values
}

async function transactions(admin) {
  const input = `${name}-input`, output = `${name}-output`, group = `${name}-processor`
  await admin.createTopics({ topics: [input, output].map(topic => ({ topic, numPartitions: 1, replicationFactor: 1 })) })
  const producer = newProducer({ transactionalId: `${name}-transactions`, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()

  const process = async (value, offset) => {
    const transaction = await producer.transaction()
    await transaction.send({ topic: output, messages: [{ key: 'k', value }] })
    await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic: input, partitions: [{ partition: 0, offset }] }] })
    return transaction
  }
  // The broker answers a commit before all of its offsets are visible.
  const seen = new Set()
  const committed = async () => {
    const [{ partitions: [{ offset }] }] = await admin.fetchOffsets({ groupId: group, topics: [input] })
    seen.add(offset)
    return offset
  }
  await (await process('one', '1')).commit()
  await until('offset', async () => await committed() === '1')
  await (await process('two', '2')).abort()
  await (await process('three', '3')).commit()
  await until('offset', async () => await committed() === '3')
  await (await process('end', '4')).commit()
  await until('offset', async () => await committed() === '4')
  assert(!seen.has('2'), 'offsets of an aborted transaction count')

  assert.deepEqual(await readAll(output, false), ['one', 'three', 'end'])
  assert.deepEqual(await readAll(output, true), ['one', 'two', 'three', 'end'])
  await producer.disconnect()
}

async function main() {
  const admin = kafka.admin()
  await admin.connect()
  const partitions = await groups(admin)
  await transactions(admin)
  await admin.deleteTopics({ topics: (await admin.listTopics()).filter(topic => topic.startsWith(name)) })
  await admin.disconnect()
  console.log(JSON.stringify(partitions))
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})

// Reads a topic with kafkajs. Usage: node read_kafkajs.js BROKERS TOPIC GROUP COUNT
// Reads COUNT records or a few more, prints the partition and the offset of each, and
// disconnects, which commits. kafkajs always needs a group: an empty GROUP is a new one.
'use strict'
const { Kafka, logLevel } = require('kafkajs')
const { randomUUID } = require('node:crypto')

const [brokers, topic, group, count] = process.argv.slice(2)
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR })

async function main() {
  const consumer = kafka.consumer({ groupId: group || randomUUID(), maxWaitTimeInMs: 500 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let read = 0
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, e => reject(e.payload.error))
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        console.log(partition, message.offset)
        if (++read === Number(count)) resolve()
      },
    }).catch(reject)
  })
  await consumer.disconnect()
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})

// The service is killed, the connection is cut, the client is killed: nothing is lost, and nothing is there twice.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createChatLogger } from '@chatlogger/client'
import { fileStorage } from '@chatlogger/client/node'
import { Service, until } from './service.mjs'

let service
before(async () => (service = await Service.start()))
after(() => service.stop())

const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

/** How often each of the messages that were logged is in the chats. */
const compare = async (t, logged) => {
  let [lost, doubled, disordered] = [0, 0, 0]
  for (const [name, contents] of logged) {
    const stored = (await service.messages(name)).map(message => message.content)
    for (const content of contents) {
      const times = stored.filter(each => each === content).length
      if (times === 0) lost++
      if (times > 1) doubled++
    }
    if (stored.join() !== contents.join()) disordered++
  }
  const count = [...logged.values()].reduce((sum, contents) => sum + contents.length, 0)
  t.diagnostic(`${count} messages in ${logged.size} chats: ${lost} lost, ${doubled} doubled, ${disordered} chats in another order`)
  return { lost, doubled, disordered }
}

/** Makes a file look as if it had been written so many seconds ago. */
const age = (path, seconds) => {
  const then = Date.now() / 1000 - seconds
  utimesSync(path, then, then)
}

const none = { lost: 0, doubled: 0, disordered: 0 }

/** Logs to eight chats until it is told to stop. */
const writer = more => {
  const errors = []
  const logger = createChatLogger(service.options({ flushIntervalMs: 20, requestTimeoutMs: 5_000, onError: error => errors.push(error), ...more }))
  const chats = Array.from({ length: 8 }, () => logger.chat())
  const logged = new Map(chats.map(chat => [chat.externalId, []]))
  let number = 0
  const timer = setInterval(() => {
    const chat = chats[number % chats.length]
    const content = `Message ${number++}`
    logged.get(chat.externalId).push(content)
    chat.message({ role: 'user', content })
  }, 4)
  return {
    logger, logged, errors,
    async settle() {
      clearInterval(timer)
      await until(() => logger.flush(), 'everything is acknowledged')
      await logger.close()
      return errors.filter(error => !error.willRetry)
    },
  }
}

test('The service is killed in the middle, twice, and away for a while', async t => {
  const { logger, logged, errors, settle } = writer()
  for (let round = 0; round < 2; round++) {
    const before = logger.counts.acknowledged
    await until(() => logger.counts.acknowledged > before + 100, 'a hundred messages are acknowledged')
    await service.kill()
    await pause(1_000)
    await service.restart()
  }
  assert.deepEqual(await settle(), [])
  assert.ok(errors.length > 0, 'No request failed.')
  assert.deepEqual(await compare(t, logged), none)
})

test('Answers are lost after the service has written', async t => {
  const { logger, logged, settle } = writer()
  for (let round = 0; round < 5; round++) {
    const before = logger.counts.acknowledged
    await until(() => logger.counts.acknowledged > before + 20, 'messages are acknowledged')
    service.proxy.dropsAnswers = 1
    await until(() => service.proxy.dropsAnswers === 0, 'an answer was dropped')
  }
  assert.deepEqual(await settle(), [])
  assert.equal(service.proxy.answersDropped, 5)
  assert.deepEqual(await compare(t, logged), none)
})

test('The connection is cut in the middle, and then there is none for a while', async t => {
  const { logger, logged, errors, settle } = writer()
  for (let round = 0; round < 10; round++) {
    const before = logger.counts.acknowledged
    await until(() => logger.counts.acknowledged > before, 'messages are acknowledged')
    service.proxy.cut()
  }
  service.proxy.isAway = true
  service.proxy.cut()
  // An answer that was received before the cut may still be counted; none is once a request has failed.
  const failed = errors.length
  await until(() => errors.length > failed, 'a request fails')
  const before = logger.counts.acknowledged
  await pause(1_500)
  assert.equal(logger.counts.acknowledged, before)
  service.proxy.isAway = false
  assert.deepEqual(await settle(), [])
  assert.deepEqual(await compare(t, logged), none)
})

test('The process is killed while it logs; the next one sends what was left', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'chatlogger-queue-'))
  try {
    const logged = new Map()
    for (let round = 0; round < 4; round++) {
      const child = fork(fileURLToPath(new URL('killed.mjs', import.meta.url)), [directory, JSON.stringify(service.options())])
      const ended = new Promise(resolve => child.once('exit', resolve))
      // A message counts as logged when the call has returned.
      child.on('message', ({ name, content }) => logged.set(name, [...(logged.get(name) ?? []), content]))
      await until(() => [...logged.values()].flat().length > 150 * (round + 1), 'messages are logged')
      // In two of the rounds nothing that is sent is answered.
      if (round % 2) service.proxy.dropsAnswers = 1e9
      const sofar = service.proxy.answersDropped
      if (round % 2) await until(() => service.proxy.answersDropped > sofar, 'an answer is dropped')
      child.kill('SIGKILL')
      await ended
      service.proxy.dropsAnswers = 0
    }
    const waiting = readdirSync(directory).length
    t.diagnostic(`${waiting} files were left`)
    assert.ok(waiting > 0)
    // A file that was being written is of a message whose call had not returned. It goes once nobody can be writing it anymore.
    for (const file of readdirSync(directory)) if (file.endsWith('.tmp')) age(join(directory, file), 61)
    const errors = []
    const logger = createChatLogger(service.options({ storage: fileStorage(directory), onError: error => errors.push(error) }))
    await until(() => logger.flush(), 'everything is acknowledged')
    await logger.close()
    assert.deepEqual(errors, [])
    assert.deepEqual(readdirSync(directory), [])
    const { lost, doubled } = await compare(t, logged)
    assert.deepEqual({ lost, doubled }, { lost: 0, doubled: 0 })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('What a killed process was writing is removed after a minute, and nothing else', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chatlogger-queue-'))
  try {
    const ages = { 'a.json.1.tmp': 61, 'b.json.1.tmp': 55, 'c.json': 3600, 'd.txt': 3600 }
    for (const [file, seconds] of Object.entries(ages)) {
      writeFileSync(join(directory, file), '{}')
      age(join(directory, file), seconds)
    }
    fileStorage(directory)
    assert.deepEqual(readdirSync(directory).sort(), ['b.json.1.tmp', 'c.json', 'd.txt'])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('Two processes that share a directory double nothing', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'chatlogger-queue-'))
  try {
    service.proxy.isAway = true
    service.proxy.cut()
    const offline = createChatLogger(service.options({ storage: fileStorage(directory) }))
    const chat = offline.chat()
    const contents = Array.from({ length: 300 }, (_, i) => `Message ${i}`)
    for (const content of contents) chat.message({ role: 'user', content })
    assert.equal(await offline.close(), false)
    assert.equal(readdirSync(directory).length, 300)
    service.proxy.isAway = false
    const loggers = [0, 1, 2].map(() => createChatLogger(service.options({ storage: fileStorage(directory) })))
    for (const logger of loggers) await until(() => logger.flush(), 'everything is acknowledged')
    for (const logger of loggers) await logger.close()
    assert.deepEqual(readdirSync(directory), [])
    assert.deepEqual(await compare(t, new Map([[chat.externalId, contents]])), none)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

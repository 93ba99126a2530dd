import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { createChatLogger } from '@chatlogger/client'
import { Service, until } from './service.mjs'

let service
before(async () => (service = await Service.start()))
after(() => service.stop())

const collect = more => {
  const errors = []
  return [createChatLogger(service.options({ onError: error => errors.push(error), ...more })), errors]
}

test('A chat, its messages and their ratings arrive with everything that they say', async () => {
  const [logger, errors] = collect()
  const chat = logger.chat(null, { title: 'Order', tags: ['shipping'], externalUserId: 'visitor-17', metadata: { page: '/cart' } })
  chat.message({ role: 'user', content: 'Where is my order?', createdAt: new Date(Date.now() - 3_600_000) })
  const answer = chat.message({
    role: 'assistant', content: 'On its way.', model: 'm-1', latencyMs: 120, promptTokens: 7, completionTokens: 4, tokenCount: 11,
    toolCalls: [{ id: 't1', name: 'track', arguments: { order: 4 } }], metadata: { trace: 'x' },
  })
  answer.feedback('up', 'Quick')
  chat.feedback('down')
  assert.equal(await logger.flush(), true)
  assert.deepEqual(errors, [])

  const [stored, messages] = [await service.chat(chat.externalId), await service.messages(chat.externalId)]
  assert.equal(stored.id, chat.id)
  assert.deepEqual(
    [stored.title, stored.tags, stored.externalUserId, stored.metadata, stored.feedback.rating],
    ['Order', ['shipping'], 'visitor-17', { page: '/cart' }, 'down'])
  assert.equal(messages.length, 2)
  assert.ok(Date.now() - Date.parse(messages[0].createdAt) > 3_500_000)
  const { role, content, model, latencyMs, promptTokens, completionTokens, tokenCount, toolCalls, metadata, feedback, id } = messages[1]
  assert.deepEqual(
    [role, content, model, latencyMs, promptTokens, completionTokens, tokenCount, metadata, feedback.rating, feedback.comment, id],
    ['assistant', 'On its way.', 'm-1', 120, 7, 4, 11, { trace: 'x' }, 'up', 'Quick', answer.id])
  assert.deepEqual(toolCalls, [{ id: 't1', name: 'track', arguments: { order: 4 } }])
  assert.deepEqual(logger.counts, { queued: 0, acknowledged: 4, dropped: 0, embeddedFiles: 0 })

  // A rating after its message was acknowledged; the last one wins.
  answer.feedback('down')
  assert.equal(await logger.close(), true)
  assert.equal((await service.messages(chat.externalId))[1].feedback.rating, 'down')
})

test('A name that exists is the same chat, also when two processes come at once', async () => {
  const name = randomBytes(16).toString('hex')
  const loggers = Array.from({ length: 4 }, () => collect()[0])
  for (const [i, logger] of loggers.entries()) logger.chat(name).message({ role: 'user', content: `Message ${i}` })
  loggers[0].chat(name).message({ role: 'user', content: 'Message 4' })
  await Promise.all(loggers.map(logger => logger.close()))
  const messages = await service.messages(name)
  assert.deepEqual(messages.map(message => message.content).sort(), [0, 1, 2, 3, 4].map(i => `Message ${i}`))
})

test('Messages go at once when twenty wait, and after the interval otherwise', async () => {
  const [many] = collect({ flushIntervalMs: 3_600_000 })
  const chat = many.chat()
  for (let i = 0; i < 20; i++) chat.message({ role: 'user', content: `Message ${i}` })
  await until(() => many.counts.acknowledged === 20, 'twenty messages are acknowledged')
  assert.deepEqual((await service.messages(chat.externalId)).map(message => message.content), Array.from({ length: 20 }, (_, i) => `Message ${i}`))
  await many.close()

  const [large] = collect({ flushIntervalMs: 3_600_000 })
  large.chat().message({ role: 'user', content: 'x'.repeat(49_000) })
  await until(() => large.counts.acknowledged === 1, '49,000 characters are acknowledged')
  await large.close()

  const [one] = collect({ flushIntervalMs: 10 })
  one.chat().message({ role: 'user', content: 'Alone' })
  await until(() => one.counts.acknowledged === 1, 'one message is acknowledged')
  await one.close()
})

test('What the service refuses is dropped and told, and its neighbours arrive', async () => {
  const [logger, errors] = collect()
  const chat = logger.chat()
  chat.message({ role: 'user', content: 'First' })
  chat.message({ role: 'robot', content: 'Of no role' })
  chat.message({ role: 'user', content: 'x'.repeat(300_000) })
  chat.message({ role: 'user', content: 'Last', metadata: { self: 1n } })
  chat.message({ role: 'user', content: 'Last' })
  assert.equal(await logger.close(), true)
  assert.deepEqual((await service.messages(chat.externalId)).map(message => message.content), ['First', 'Last'])
  assert.deepEqual(errors.map(error => [error.status, error.willRetry]), [[undefined, false], [400, false], [400, false]])
  assert.equal(errors[1].item.content, 'Of no role')
  assert.ok(errors[1].problem.errors.role)
  assert.equal(logger.counts.dropped, 3)
})

test('A chat that is refused takes its messages along, and no others', async () => {
  const [logger, errors] = collect()
  const wrong = logger.chat(null, { tags: ['x'.repeat(65)] })
  wrong.message({ role: 'user', content: 'Lost' })
  const right = logger.chat()
  right.message({ role: 'user', content: 'Kept' })
  await logger.close()
  assert.equal((await service.messages(right.externalId)).length, 1)
  assert.equal(await service.chat(wrong.externalId), undefined)
  assert.equal(errors.at(-1).item.content, 'Lost')
})

test('Text that a stream cut in the middle, and NUL, are stored with a replacement', async () => {
  const [logger, errors] = collect()
  const chat = logger.chat()
  chat.message({ role: 'user', content: 'Half \ud83d and \0 🙂' })
  await logger.close()
  assert.deepEqual(errors, [])
  assert.equal((await service.messages(chat.externalId))[0].content, 'Half \ufffd and \ufffd 🙂')
})

test('A clock that is ahead, or a message that waited for more than 72 hours, gets the time of arrival', async () => {
  const [logger, errors] = collect()
  const chat = logger.chat()
  const before = Date.now()
  chat.message({ role: 'user', content: 'From tomorrow', createdAt: new Date(before + 86_400_000) })
  chat.message({ role: 'user', content: 'Of last week', createdAt: new Date(before - 7 * 86_400_000) }).feedback('up')
  assert.equal(await logger.close(), true)
  const messages = await service.messages(chat.externalId)
  assert.deepEqual(errors, [])
  assert.deepEqual(messages.map(message => message.content).sort(), ['From tomorrow', 'Of last week'])
  for (const message of messages) assert.ok(Math.abs(Date.parse(message.createdAt) - Date.now()) < 600_000, message.createdAt)
})

test('An embedded file is sent as its type, size and hash', async () => {
  const [logger] = collect()
  const chat = logger.chat()
  const file = randomBytes(100_000)
  const url = `data:image/png;base64,${file.toString('base64')}`
  const hash = createHash('sha256').update(file).digest('hex')
  chat.message({ role: 'user', parts: [{ type: 'text', text: 'See' }, { type: 'image_url', image_url: { url } }] })
  chat.message({ role: 'user', content: `See ![it](${url})` })
  await logger.close()
  const [parts, text] = await service.messages(chat.externalId)
  assert.deepEqual(parts.parts, [{ type: 'text', text: 'See' }, { type: 'image_url', mediaType: 'image/png', bytes: 100_000, sha256: hash }])
  assert.equal(text.content, `See ![it]([image/png, 100000 bytes, sha256 ${hash}])`)
  assert.equal(logger.counts.embeddedFiles, 2)
  // Lengths around the end of a block of the hash.
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120]) {
    const bytes = randomBytes(length)
    const { sha256 } = await import('../dist/sha256.js')
    assert.equal(sha256(bytes), createHash('sha256').update(bytes).digest('hex'))
  }
})

test('A wrong key is told and keeps the queue; nothing throws', async () => {
  const [logger, errors] = collect({ key: service.key.slice(0, -1) + (service.key.endsWith('a') ? 'b' : 'a') })
  logger.chat().message({ role: 'user', content: 'Hello' })
  assert.equal(await logger.close(), false)
  assert.deepEqual(errors.map(error => [error.status, error.willRetry]), [[401, true]])
  assert.equal(logger.counts.queued, 1)
  logger.chat().message({ role: 'user', content: 'Late' })
  assert.equal(errors.at(-1).message, 'The chat logger is closed.')

  const throwing = createChatLogger(service.options({ key: 'x', onError: () => { throw new Error('The host is at fault.') } }))
  throwing.chat().message({ role: 'user', content: 'Hello' })
  assert.equal(await throwing.close(), false)
})

test('Beyond its bounds the queue drops the oldest, and tells', async () => {
  const errors = []
  const logger = createChatLogger(service.options({ url: 'http://127.0.0.1:9', maxQueued: 5, onError: error => errors.push(error) }))
  const chat = logger.chat()
  for (let i = 0; i < 8; i++) chat.message({ role: 'user', content: `Message ${i}` })
  assert.equal(logger.counts.queued, 5)
  assert.deepEqual(errors.map(error => error.item.content), ['Message 0', 'Message 1', 'Message 2'])
  await logger.close()
})

test('A batch that is refused as a whole is halved until what is wrong is alone', async () => {
  let requests = 0
  const [logger, errors] = collect({
    fetch: async (url, request) => {
      requests++
      const body = request.headers['content-encoding']
        ? await new Response(new Blob([request.body]).stream().pipeThrough(new DecompressionStream('gzip'))).text()
        : request.body
      return body.includes('Too much') ? Response.json({ detail: 'Too large.' }, { status: 413 }) : fetch(url, request)
    },
  })
  const chat = logger.chat()
  for (let i = 0; i < 12; i++) chat.message({ role: 'user', content: i === 7 ? 'Too much' : `Message ${i}` })
  assert.equal(await logger.close(), true)
  assert.deepEqual(errors.map(error => [error.status, error.item.content]), [[413, 'Too much']])
  assert.equal((await service.messages(chat.externalId)).length, 11)
  assert.ok(requests < 12, `${requests} requests`)
})

test('Retry-After is waited for, and items of a batch that were refused for the moment are sent again alone', async () => {
  const bodies = []
  const answers = [
    () => Response.json({ detail: 'Too many.' }, { status: 429, headers: { 'retry-after': '3' } }),
    () => Response.json({ results: [
      { index: 0, status: 201, id: 'c', replayed: false, problem: null },
      { index: 1, status: 503, id: null, replayed: false, problem: { detail: 'Busy.' } },
      { index: 2, status: 201, id: 'm2', replayed: false, problem: null },
    ] }, { status: 207 }),
    () => Response.json({ results: [
      { index: 0, status: 201, id: 'c', replayed: true, problem: null },
      { index: 1, status: 201, id: 'm1', replayed: false, problem: null },
    ] }, { status: 207 }),
  ]
  const at = []
  const [logger, errors] = collect({
    flushIntervalMs: 1,
    fetch: async (_, request) => {
      bodies.push(request.body)
      at.push(performance.now())
      return answers[bodies.length - 1]()
    },
  })
  const chat = logger.chat()
  const [first, second] = [chat.message({ role: 'user', content: 'One' }), chat.message({ role: 'user', content: 'Two' })]
  // The timers of a retry do not keep the process alive; this one does.
  const alive = setInterval(() => {}, 1000)
  await until(() => logger.counts.acknowledged === 2, 'both messages are acknowledged')
  clearInterval(alive)
  assert.deepEqual([chat.id, first.id, second.id], ['c', 'm1', 'm2'])
  assert.deepEqual(errors.map(error => [error.status, error.willRetry]), [[429, true]])
  assert.ok(at[1] - at[0] > 2_900, `${at[1] - at[0]} ms`)
  assert.equal(bodies[0], bodies[1])
  const [sent, again] = [bodies[1], bodies[2]].map(body => JSON.parse(body).items)
  assert.deepEqual(again, sent.slice(0, 2))
  await logger.close()
})

// A page that is hidden, left, offline or gone: what a browser offers is imitated, the service is real.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { createChatLogger } from '@chatlogger/client'
import { Service, until } from './service.mjs'

let service, requests, isGone, errors
const stored = new Map()
before(async () => (service = await Service.start()))
after(() => service.stop())

beforeEach(() => {
  const page = new EventTarget()
  const local = {}
  for (const [name, value] of Object.entries({
    getItem: name => stored.get(name) ?? null,
    setItem: (name, text) => void (stored.set(name, text), (local[name] = text)),
    removeItem: name => void (stored.delete(name), delete local[name]),
  })) Object.defineProperty(local, name, { value })
  for (const [name, text] of stored) local[name] = text
  Object.defineProperty(globalThis, 'localStorage', { value: local, configurable: true, writable: true })
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  globalThis.addEventListener = page.addEventListener.bind(page)
  globalThis.removeEventListener = page.removeEventListener.bind(page)
  globalThis.dispatch = name => page.dispatchEvent(new Event(name))
  Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, configurable: true, writable: true })
  ;[requests, errors, isGone] = [[], [], false]
})

const open = more => createChatLogger({
  ...service.options(), storage: undefined, flushIntervalMs: 3_600_000, onError: error => errors.push(error),
  // Of a page that is gone nobody sees the responses, and it sends nothing.
  fetch: async (url, request) => {
    if (isGone) return new Promise(() => {})
    requests.push(request)
    const response = await fetch(url, { ...request, keepalive: false })
    return isGone ? new Promise(() => {}) : response
  },
  ...more,
})

test('A page that is left sends what waits, and the next page doubles nothing', async () => {
  const first = open()
  const chat = first.chat()
  for (let i = 0; i < 5; i++) chat.message({ role: 'user', content: `Message ${i}` })
  assert.equal(stored.size, 5)
  dispatch('pagehide')
  isGone = true
  assert.equal(requests.length, 1)
  assert.deepEqual([requests[0].keepalive, typeof requests[0].body], [true, 'string'])
  await until(async () => (await service.messages(chat.externalId)).length === 5, 'the messages arrive')
  assert.equal(stored.size, 5)

  isGone = false
  const next = open()
  assert.equal(next.counts.queued, 5)
  assert.equal(await next.close(), true)
  assert.equal(stored.size, 0)
  assert.equal((await service.messages(chat.externalId)).length, 5)
  assert.deepEqual(errors, [])
})

test('A page that is hidden sends at most what may outlive it, and the rest stays stored', async () => {
  const logger = open()
  const chat = logger.chat()
  const text = '€'.repeat(1_500)
  // The twentieth message would be sent at once.
  for (let i = 0; i < 9; i++) chat.message({ role: 'user', content: `${i} ${text}` })
  document.visibilityState = 'hidden'
  document.dispatchEvent(new Event('visibilitychange'))
  dispatch('pagehide')
  isGone = true
  const bytes = requests.filter(request => request.keepalive).reduce((sum, request) => sum + Buffer.byteLength(request.body), 0)
  assert.ok(bytes > 0 && bytes <= 48 * 1024, `${bytes} bytes`)
  isGone = false
  const next = open()
  assert.equal(await next.close(), true)
  assert.deepEqual((await service.messages(chat.externalId)).map(message => message.content[0]).sort(), [...'012345678'])
})

test('Offline nothing is sent; when the page is online again everything is, with its time', async () => {
  const logger = open()
  navigator.onLine = false
  const chat = logger.chat()
  chat.message({ role: 'user', content: 'Hello' })
  assert.equal(await logger.flush(), false)
  dispatch('pagehide')
  assert.equal(requests.length, 0)
  navigator.onLine = true
  dispatch('online')
  await until(() => logger.counts.acknowledged === 1, 'the message is acknowledged')
  await logger.close()
  assert.deepEqual(errors, [])
})

test('What a page sent while it ended is dropped after the day for which the service remembers keys', async t => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const first = open()
  first.chat().message({ role: 'user', content: 'Hello' })
  dispatch('pagehide')
  isGone = true
  t.mock.timers.setTime(Date.now() + 24 * 3_600_000)
  isGone = false
  const next = open()
  assert.deepEqual([next.counts.queued, next.counts.dropped, stored.size], [0, 1, 0])
  assert.match(errors[0].message, /whether it arrived is not known/)
  await next.close()
})

test('A storage that is forbidden leaves the queue in memory', async () => {
  Object.defineProperty(globalThis, 'localStorage', { get: () => { throw new Error('SecurityError') }, configurable: true })
  const logger = open()
  const chat = logger.chat()
  chat.message({ role: 'user', content: 'Hello' })
  assert.equal(await logger.close(), true)
  assert.equal((await service.messages(chat.externalId)).length, 1)
})

// Points SDKs of others at the real service and reads what is stored: the conversation, once and in order. Prints what came of each as a table.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Service } from '../../clients/js/tests/service.mjs'
import { startRelay } from './relay.mjs'

const here = import.meta.dirname
const installed = JSON.parse(readFileSync(`${here}/package-lock.json`)).packages
const conversation = ['system: Be brief.', 'user: Where is my order?', 'assistant: answer 1', 'user: yes', 'assistant: answer 2', 'user: yes', 'assistant: answer 3']
const sdks = {
  'otel-json': ['@opentelemetry/exporter-trace-otlp-http'],
  'otel-protobuf-gzip': ['@opentelemetry/exporter-trace-otlp-proto'],
  'openllmetry': ['@traceloop/instrumentation-openai'],
  'openinference': ['@arizeai/openinference-instrumentation-openai'],
  'ai-sdk': ['ai', '@ai-sdk/otel'],
  'ai-sdk-legacy': ['ai', '@ai-sdk/otel'],
  'ai-sdk-6': ['ai-6'],
  'ai-sdk-5': ['ai-5'],
  'langfuse-otel': ['@langfuse/otel', '@langfuse/openai'],
  'langfuse-3': ['langfuse'],
  'lunary': ['lunary'],
}

let service
const rows = []
before(async () => { service = await Service.start() })
after(async () => {
  await service.stop()
  console.log(['| SDK | sent | answered | stored |', '| --- | --- | --- | --- |', ...rows].join('\n'))
})

async function send(name, session, fails) {
  const relay = await startRelay(service.address, fails)
  const child = spawn('node', ['send.mjs', name], {
    cwd: here, env: { ...process.env, URL: relay.url, KEY: service.key, SESSION: session }, stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  relay.stop()
  assert.equal(code, 0)
  return relay.exchanges
}

const said = messages => messages.map(message => `${message.role}: ${message.content}`)

function sent(exchanges) {
  const kinds = new Map()
  for (const one of exchanges) {
    const kind = `\`${one.path}\`, ${one.type?.split(';')[0].replace('application/', '') ?? 'no body'}${one.encoding ? `, ${one.encoding}` : ''}`
    const before = kinds.get(kind) ?? { requests: 0, bytes: 0 }
    kinds.set(kind, { requests: before.requests + 1, bytes: before.bytes + one.bytes })
  }
  return [...kinds].map(([kind, { requests, bytes }]) => `${requests} × ${kind}: ${bytes} bytes`).join('; ')
}

for (const [name, packages] of Object.entries(sdks)) {
  test(`${name}: three turns are stored once and in order`, async () => {
    const session = `session-of-${name}-00000001`
    const exchanges = await send(name, session)

    const messages = await service.messages(session)
    assert.deepEqual(said(messages), name === 'lunary' ? conversation.slice(1) : conversation)
    for (const one of exchanges) {
      assert.ok([200, 207].includes(one.status), `${one.path} was answered with ${one.status}: ${one.answer}`)
      if (one.path.endsWith('/traces')) assert.ok(['', '{}'].includes(one.answer), one.answer)
      if (one.status === 207) assert.deepEqual(JSON.parse(one.answer).errors, [])
      if (one.path.endsWith('/runs/ingest')) assert.ok(JSON.parse(one.answer).results.every(result => result.success))
    }
    if (name !== 'lunary')
      for (const answer of messages.filter(message => message.role === 'assistant'))
        assert.deepEqual([answer.model, answer.promptTokens, answer.completionTokens], ['model-1', 11, 22])
    const ratings = messages.filter(message => message.feedback).length
    assert.equal(ratings, { 'langfuse-3': 3, lunary: 1 }[name] ?? 0)
    rows.push(`| ${packages.map(one => versionOf(one)).join(', ')}${name.endsWith('legacy') ? ' (legacy)' : ''} | ${sent(exchanges)} `
      + `| ${[...new Set(exchanges.map(one => one.status))].join(', ')} | ${messages.length} messages${ratings ? `, ${ratings} rated` : ''} |`)
  })
}

function versionOf(name) {
  const { name: real, version } = installed[`node_modules/${name}`]
  return `\`${real ?? name}\` ${version}`
}

for (const name of ['otel-json', 'otel-protobuf-gzip', 'langfuse-otel', 'langfuse-3']) {
  for (const failure of ['unavailable', 'lost']) {
    test(`${name} sends again when the first request is ${failure}, and nothing is doubled`, async () => {
      const session = `session-of-${name}-${failure}-00000001`
      const exchanges = await send(name, session, n => (n === 1 ? failure : null))

      assert.deepEqual(said(await service.messages(session)), conversation)
      assert.equal(exchanges[0].failure, failure)
      assert.ok(exchanges.length > 1, 'it was sent again')
    })
  }
}

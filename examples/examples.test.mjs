// Runs each example as its README says, against the real service and a stand-in for the model, and reads what is stored.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import puppeteer from 'puppeteer-core'
import { Service, until } from '../clients/js/tests/service.mjs'
import { startModel } from './model.mjs'

const here = import.meta.dirname
const configuration = process.env.CONFIGURATION ?? 'Debug'
let service, model, settings
before(async () => {
  ;[service, model] = [await Service.start(), await startModel()]
  settings = {
    CHATLOGGER_URL: service.address, CHATLOGGER_SLUG: service.slug, CHATLOGGER_KEY: service.key, OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'none',
  }
})
after(async () => {
  model.stop()
  await service.stop()
})

function start(command, args, more) {
  const child = spawn(command, args, { cwd: here, env: { ...process.env, ...settings, ...more }, stdio: ['pipe', 'pipe', 'inherit'] })
  child.output = ''
  child.stdout.on('data', text => (child.output += text))
  return child
}

const questions = ['Where is my order?', 'yes', 'yes']
const conversation = [
  ['system', 'Be brief.'], ['user', 'Where is my order?'], ['assistant', 'Answer 1.'], ['user', 'yes'], ['assistant', 'Answer 2.'], ['user', 'yes'], ['assistant', 'Answer 3.'],
]

async function talk(command, args, more) {
  const bot = start(command, args, more)
  bot.stdin.end(`${questions.join('\n')}\n`)
  const [code] = await once(bot, 'exit')
  assert.deepEqual([code, bot.output.trim().split(/\r?\n/)], [0, ['Answer 1.', 'Answer 2.', 'Answer 3.']])
}

async function stored(isOfExample) {
  const chats = await until(async () => {
    const found = (await service.pages('/orgs/me/chats')).filter(isOfExample)
    return found.length > 0 && found
  }, 'the chat is stored')
  assert.equal(chats.length, 1)
  return service.pages(`/orgs/me/chats/${chats[0].id}/messages`)
}

const said = messages => messages.map(message => [message.role, message.content])

function areMeasured(messages) {
  for (const { model: name, promptTokens, completionTokens, latencyMs } of messages.filter(message => message.role === 'assistant'))
    assert.deepEqual([name, promptTokens, completionTokens, latencyMs >= 0], ['gpt-5-mini', 11, 22, true])
}

test('The bot in Node.js', async () => {
  await talk('node', ['node/bot.mjs'])
  const messages = await stored(chat => chat.title === 'A bot in Node.js')
  assert.deepEqual(said(messages), conversation)
  areMeasured(messages)
})

test('The bot with variables of OpenTelemetry alone', async () => {
  await talk('node', ['--import', './otlp/tracing.mjs', 'otlp/bot.mjs'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: service.address, OTEL_EXPORTER_OTLP_HEADERS: `x-organization-api-key=${service.key}`, OTEL_TRACES_EXPORTER: 'otlp',
  })
  const messages = await stored(chat => chat.externalId?.startsWith('otlp-'))
  assert.deepEqual(said(messages), conversation)
  areMeasured(messages)
})

test('The bot in .NET', async () => {
  await talk('dotnet', [join(here, 'dotnet', 'bin', configuration, 'net10.0', 'ChatLogger.Examples.Bot.dll')])
  const messages = await stored(chat => chat.title === 'A bot in .NET')
  assert.deepEqual(said(messages), conversation)
  areMeasured(messages)
})

const browser = ['chromium', 'google-chrome', 'chrome'].flatMap(name => process.env.PATH.split(delimiter).map(path => join(path, name)))
  .find(path => existsSync(path))

test('The page with a widget', { skip: browser ? false : 'There is no Chromium.' }, async t => {
  const shop = start('node', ['page/serve.mjs'], { PORT: '0' })
  t.after(() => shop.kill())
  const address = await until(() => /^http:\S+/.exec(shop.output)?.[0], 'the shop listens')
  const chromium = await puppeteer.launch({ executablePath: browser, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  t.after(() => chromium.close())
  const page = await chromium.newPage()
  const complaints = []
  page.on('pageerror', error => complaints.push(error.message)).on('console', message => message.type() === 'error' && complaints.push(message.text()))
  const ask = async question => {
    const before = await page.$$eval('li', all => all.length)
    await page.type('input', question)
    await page.click('#ask button')
    await page.waitForFunction(count => document.querySelectorAll('li').length === count + 2, {}, before)
  }

  await page.goto(address, { waitUntil: 'networkidle0' })
  await ask('Where is my order?')
  await page.reload({ waitUntil: 'networkidle0' })
  await ask('Thank you')
  await page.click('#helped')
  await page.goto('about:blank')

  const messages = await until(async () => {
    const all = await stored(chat => chat.title === 'A visitor of the shop')
    return all.length === 4 && all[3].feedback?.rating === 'up' && all
  }, 'all is stored')
  assert.deepEqual(said(messages), [['user', 'Where is my order?'], ['assistant', 'Answer 1.'], ['user', 'Thank you'], ['assistant', 'Answer 1.']])
  assert.deepEqual(complaints, [])
})

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { FakeListChatModel } from '@langchain/core/utils/testing'
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { generateText, streamText, wrapLanguageModel } from 'ai'
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import OpenAI from 'openai'
import { createChatLogger } from '@chatlogger/client'
import { logOpenAI } from '@chatlogger/client/openai'
import { chatLoggerMiddleware } from '@chatlogger/client/ai-sdk'
import { chatLoggerHandler } from '@chatlogger/client/langchain'
import { Service } from './service.mjs'

let service, provider, answers, bodies, client, logger
before(async () => {
  service = await Service.start()
  provider = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    bodies.push(JSON.parse(body))
    const answer = answers.shift()
    if (answer.refusedWith) return response.writeHead(answer.refusedWith, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message: 'No.' } }))
    if (Array.isArray(answer)) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const event of answer) response.write(`data: ${JSON.stringify(event)}\n\n`)
      return response.end('data: [DONE]\n\n')
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise(resolve => provider.listen(0, '127.0.0.1', resolve))
  client = new OpenAI({ apiKey: 'x', baseURL: `http://127.0.0.1:${provider.address().port}/v1`, maxRetries: 0, timeout: 30_000 })
  logger = createChatLogger(service.options({ onError: error => assert.fail(JSON.stringify(error)) }))
})
after(async () => {
  await logger.close()
  provider.close()
  await service.stop()
})

const expect = (...all) => ([answers, bodies] = [all, []])

const stored = async chat => {
  assert.equal(await logger.flush(), true)
  return service.messages(chat.externalId)
}

const texts = messages => messages.map(message => [message.role, message.content])

const completion = (message, usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }) => ({
  id: 'c', object: 'chat.completion', created: 1, model: 'gpt-x-1', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', ...message } }], usage,
})

const chunk = (delta, more) => ({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-x-1', choices: [{ index: 0, delta, finish_reason: null }], ...more })

test('OpenAI: a conversation of three turns, with a tool, is logged once', async () => {
  const chat = logger.chat()
  const openai = logOpenAI(client, chat)
  const call = { id: 'call-1', type: 'function', function: { name: 'track', arguments: '{"order":4}' } }
  expect(completion({ content: 'Which order?' }), completion({ content: null, tool_calls: [call] }), completion({ content: 'It is on its way.' }))
  const messages = [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: 'Where is it?' }]
  const first = await openai.chat.completions.create({ model: 'gpt-x', messages })
  assert.equal(first.choices[0].message.content, 'Which order?')
  messages.push(first.choices[0].message, { role: 'user', content: [{ type: 'text', text: 'Number 4' }] })
  const { data: second, response } = await openai.chat.completions.create({ model: 'gpt-x', messages }).withResponse()
  assert.equal(response.status, 200)
  messages.push(second.choices[0].message, { role: 'tool', tool_call_id: 'call-1', content: '{"at":"Oslo"}' })
  // A sliding window: the system's message and the last four.
  await openai.chat.completions.parse({ model: 'gpt-x', messages: [messages[0], ...messages.slice(-4)] })

  const found = await stored(chat)
  assert.deepEqual(texts(found), [
    ['system', 'Be kind.'], ['user', 'Where is it?'], ['assistant', 'Which order?'], ['user', 'Number 4'],
    ['assistant', null], ['tool', '{"at":"Oslo"}'], ['assistant', 'It is on its way.'],
  ])
  assert.deepEqual(found[4].toolCalls, [{ id: 'call-1', name: 'track', arguments: '{"order":4}' }])
  assert.equal(found[5].toolCallId, 'call-1')
  const { model, promptTokens, completionTokens, tokenCount, latencyMs } = found[6]
  assert.deepEqual([model, promptTokens, completionTokens, tokenCount], ['gpt-x-1', 5, 2, 7])
  assert.ok(latencyMs >= 0)
})

test('OpenAI: streams pass on what they yield, and are logged once, also when they are left or made by a helper', async () => {
  const chat = logger.chat()
  const openai = logOpenAI(client, chat)
  const ended = chunk({ content: '!' }, { usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 } })
  ended.choices[0].finish_reason = 'stop'
  const stream = () => [chunk({ role: 'assistant', content: 'Hel' }), chunk({ content: 'lo' }), ended]
  expect(stream(), stream(), stream())
  const yielded = []
  for await (const each of await openai.chat.completions.create({ model: 'gpt-x', stream: true, messages: [{ role: 'user', content: 'One' }] }))
    yielded.push(each.choices[0].delta.content)
  assert.deepEqual(yielded, ['Hel', 'lo', '!'])
  for await (const each of await openai.chat.completions.create({ model: 'gpt-x', stream: true, messages: [{ role: 'user', content: 'Two' }] }))
    if (each.choices[0].delta.content === 'lo') break
  const runner = openai.chat.completions.stream({ model: 'gpt-x', messages: [{ role: 'user', content: 'Three' }] })
  assert.equal(await runner.finalContent(), 'Hello!')

  const found = await stored(chat)
  assert.deepEqual(texts(found), [['user', 'One'], ['assistant', 'Hello!'], ['user', 'Two'], ['assistant', 'Hello'], ['user', 'Three'], ['assistant', 'Hello!']])
  assert.equal(found[1].tokenCount, 4)
})

test('OpenAI: a call that fails, fails as it does without the log; the raw response is the caller’s', async () => {
  const chat = logger.chat()
  const openai = logOpenAI(client, () => chat)
  expect({ refusedWith: 400 }, completion({ content: 'Now' }), completion({ content: 'Raw' }))
  const body = { model: 'gpt-x', messages: [{ role: 'user', content: 'Hello' }] }
  await assert.rejects(openai.chat.completions.create(body), OpenAI.BadRequestError)
  await openai.chat.completions.create(body)
  assert.deepEqual(texts(await stored(chat)), [['user', 'Hello'], ['assistant', 'Now']])
  const raw = await openai.chat.completions.create({ ...body, messages: [{ role: 'user', content: 'Raw?' }] }).asResponse()
  assert.equal((await raw.json()).choices[0].message.content, 'Raw')

  expect(completion({ content: 'Fine' }))
  const broken = logOpenAI(client, () => { throw new Error('The host is at fault.') })
  assert.equal((await broken.chat.completions.create(body)).choices[0].message.content, 'Fine')
  // The client itself is as it was.
  expect(completion({ content: 'Not logged' }))
  await client.chat.completions.create(body)
  assert.equal((await stored(chat)).length, 3)
})

test('OpenAI: responses, their tools and their streams', async () => {
  const chat = logger.chat()
  const openai = logOpenAI(client, chat)
  const message = text => ({ type: 'message', id: 'm', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] })
  const response = output => ({ id: 'r', object: 'response', model: 'gpt-x-1', status: 'completed', output, usage: { input_tokens: 4, output_tokens: 3, total_tokens: 7 } })
  const output = [{ type: 'reasoning', id: 'x', summary: [] }, message('Let me see.'), { type: 'function_call', id: 'f', call_id: 'call-2', name: 'track', arguments: '{}' }]
  expect(response(output), [
    { type: 'response.created', response: response([]) },
    { type: 'response.output_text.delta', delta: 'In Oslo.' },
    { type: 'response.completed', response: response([message('In Oslo.')]) },
  ])
  const input = [{ role: 'user', content: 'Where is it?' }]
  const first = await openai.responses.create({ model: 'gpt-x', instructions: 'Be kind.', input })
  input.push(...first.output, { type: 'function_call_output', call_id: 'call-2', output: 'Oslo' })
  const events = []
  for await (const event of await openai.responses.create({ model: 'gpt-x', instructions: 'Be kind.', input, stream: true })) events.push(event.type)
  assert.equal(events.length, 3)
  const found = await stored(chat)
  assert.deepEqual(texts(found), [['system', 'Be kind.'], ['user', 'Where is it?'], ['assistant', 'Let me see.'], ['tool', 'Oslo'], ['assistant', 'In Oslo.']])
  assert.deepEqual(found[2].toolCalls, [{ id: 'call-2', name: 'track', arguments: '{}' }])
  assert.equal(found[4].tokenCount, 7)
})

test('A conversation that another process began goes on after its last answer', async () => {
  const name = logger.chat().externalId
  const history = [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: 'One' }]
  expect(completion({ content: 'First' }), completion({ content: 'Second' }))
  history.push((await logOpenAI(client, logger.chat(name)).chat.completions.create({ model: 'gpt-x', messages: history })).choices[0].message)
  history.push({ role: 'user', content: 'Two' })
  await logOpenAI(client, logger.chat(name)).chat.completions.create({ model: 'gpt-x', messages: history })
  assert.deepEqual(
    texts(await stored({ externalId: name })),
    [['system', 'Be kind.'], ['user', 'One'], ['assistant', 'First'], ['user', 'Two'], ['assistant', 'Second']])
})

const usage = { inputTokens: { total: 6 }, outputTokens: { total: 2 } }

test('AI SDK: generateText with a tool, and streamText', async () => {
  const chat = logger.chat()
  const steps = [
    { content: [{ type: 'tool-call', toolCallId: 'call-3', toolName: 'track', input: '{"order":4}' }], finishReason: { unified: 'tool-calls' }, usage, warnings: [] },
    { content: [{ type: 'text', text: 'In Oslo.' }], finishReason: { unified: 'stop' }, usage, warnings: [] },
  ]
  const model = wrapLanguageModel({
    model: new MockLanguageModelV4({
      modelId: 'mock-1',
      doGenerate: async () => steps.shift(),
      doStream: async () => ({
        stream: simulateReadableStream({ chunks: [
          { type: 'stream-start', warnings: [] },
          { type: 'text-start', id: '1' }, { type: 'text-delta', id: '1', delta: 'You are ' }, { type: 'text-delta', id: '1', delta: 'welcome.' }, { type: 'text-end', id: '1' },
          { type: 'finish', finishReason: { unified: 'stop' }, usage },
        ] }),
      }),
    }),
    middleware: chatLoggerMiddleware(chat),
  })
  const { jsonSchema, tool, isStepCount } = await import('ai')
  const first = await generateText({
    model, instructions: 'Be kind.', messages: [{ role: 'user', content: 'Where is it?' }], stopWhen: isStepCount(3),
    tools: { track: tool({ inputSchema: jsonSchema({ type: 'object' }), execute: async () => ({ at: 'Oslo' }) }) },
  })
  assert.equal(first.text, 'In Oslo.')
  const second = streamText({
    model, instructions: 'Be kind.',
    messages: [{ role: 'user', content: 'Where is it?' }, ...first.responseMessages ?? first.response.messages, { role: 'user', content: 'Thanks' }],
  })
  let text = ''
  for await (const piece of second.textStream) text += piece
  assert.equal(text, 'You are welcome.')

  const found = await stored(chat)
  assert.deepEqual(texts(found), [
    ['system', 'Be kind.'], ['user', 'Where is it?'], ['assistant', null], ['tool', '{"at":"Oslo"}'], ['assistant', 'In Oslo.'],
    ['user', 'Thanks'], ['assistant', 'You are welcome.'],
  ])
  assert.deepEqual(found[2].toolCalls, [{ id: 'call-3', name: 'track', arguments: '{"order":4}' }])
  assert.deepEqual([found[6].model, found[6].promptTokens, found[6].completionTokens], ['mock-1', 6, 2])
})

test('AI SDK: the middleware neither hides an error nor makes one', async () => {
  const chat = logger.chat()
  const failing = wrapLanguageModel({
    model: new MockLanguageModelV4({ doGenerate: async () => { throw new Error('The model is away.') } }),
    middleware: chatLoggerMiddleware(() => chat),
  })
  await assert.rejects(generateText({ model: failing, prompt: 'Hello', maxRetries: 0 }), /The model is away/)
  const odd = wrapLanguageModel({
    model: new MockLanguageModelV4({ doGenerate: async () => ({ content: [{ type: 'text', text: 'Fine' }], finishReason: { unified: 'stop' }, usage, warnings: [] }) }),
    middleware: chatLoggerMiddleware(() => { throw new Error('The host is at fault.') }),
  })
  assert.equal((await generateText({ model: odd, prompt: 'Hello' })).text, 'Fine')
  assert.deepEqual(texts(await stored(chat)), [['user', 'Hello']])
})

test('LangChain: calls of a chat model, with tools in their history, and streams', async () => {
  const chats = new Map()
  const handler = chatLoggerHandler(({ metadata }) => {
    const thread = metadata?.thread_id
    if (!chats.has(thread)) chats.set(thread, logger.chat())
    return chats.get(thread)
  })
  const model = new FakeListChatModel({ responses: ['In Oslo.', 'Bye.'] })
  const history = [
    new SystemMessage('Be kind.'), new HumanMessage('Where is it?'),
    new AIMessage({ content: '', tool_calls: [{ id: 'call-4', name: 'track', args: { order: 4 } }] }),
    new ToolMessage({ content: 'Oslo', tool_call_id: 'call-4' }),
  ]
  const options = { callbacks: [handler], metadata: { thread_id: 'thread-1' } }
  history.push(await model.invoke(history, options), new HumanMessage('Thanks'))
  let text = ''
  for await (const piece of await model.stream(history, options)) text += piece.content
  assert.equal(text, 'Bye.')

  const found = await stored(chats.get('thread-1'))
  assert.deepEqual(texts(found), [
    ['system', 'Be kind.'], ['user', 'Where is it?'], ['assistant', null], ['tool', 'Oslo'], ['assistant', 'In Oslo.'], ['user', 'Thanks'], ['assistant', 'Bye.'],
  ])
  assert.deepEqual(found[2].toolCalls, [{ id: 'call-4', name: 'track', arguments: { order: 4 } }])
})

import { begin, contentOf, mergeAnswers, tokens, type ChatSource } from './exchange.js'
import type { Message, Part, ToolCall } from './types.js'

export type { ChatSource } from './exchange.js'

type Json = Record<string, any>
type Finish = (output: () => Message[]) => void

/** The body of the call, with which a function can choose the chat. */
export type OpenAICall = Record<string, unknown>

/** What is used of a client of the package `openai`, version 5 and later. */
export interface OpenAIClient {
  chat: { completions: { create: (...args: any[]) => any } }
  responses?: { create: (...args: any[]) => any }
}

const toolCallOf = (call: Json): ToolCall => ({
  id: call.id,
  name: call.function?.name ?? call.custom?.name,
  arguments: call.function?.arguments ?? call.custom?.input ?? '',
})

const completionMessage = (message: Json): Message => ({
  role: message.role,
  ...contentOf(message.content ?? message.refusal),
  ...(message.tool_calls?.length && { toolCalls: message.tool_calls.map(toolCallOf) }),
  ...(message.tool_call_id && { toolCallId: message.tool_call_id }),
  ...(message.name && { name: message.name }),
})

const completionAnswers = (body: Json): Message[] =>
  (body.choices as Json[]).map((choice, at) => ({
    ...completionMessage({ role: 'assistant', ...choice.message }),
    model: body.model,
    ...(at === 0 && tokens(body.usage?.prompt_tokens, body.usage?.completion_tokens)),
  }))

/** The completion that the chunks of a stream make. */
const completionOf = (chunks: Json[]): Json => {
  const choices: Json[] = []
  let [model, usage]: [unknown, unknown] = [undefined, undefined]
  for (const chunk of chunks) {
    model ??= chunk.model
    usage = chunk.usage ?? usage
    for (const { index, delta } of chunk.choices ?? []) {
      const message: Json = (choices[index] ??= { message: { content: '', refusal: '', tool_calls: [] } }).message
      message.content += delta?.content ?? ''
      message.refusal += delta?.refusal ?? ''
      for (const piece of delta?.tool_calls ?? []) {
        const call: Json = (message.tool_calls[piece.index] ??= { id: piece.id, function: { name: '', arguments: '' } })
        call.function.name += piece.function?.name ?? piece.custom?.name ?? ''
        call.function.arguments += piece.function?.arguments ?? piece.custom?.input ?? ''
      }
    }
  }
  for (const { message } of choices.filter(Boolean)) {
    message.content ||= message.refusal
    message.tool_calls = message.tool_calls.filter(Boolean)
  }
  return { model, usage, choices: choices.filter(Boolean) }
}

const responseItem = (item: Json): Message[] => {
  const type: string = item.type ?? 'message'
  if (type === 'message') return [{ role: item.role, ...contentOf(item.content?.map?.(refusalAsText) ?? item.content) }]
  if (type === 'function_call' || type === 'custom_tool_call')
    return [{ role: 'assistant', toolCalls: [{ id: item.call_id, name: item.name, arguments: item.arguments ?? item.input ?? '' }] }]
  if (type === 'function_call_output' || type === 'custom_tool_call_output') return [{ role: 'tool', toolCallId: item.call_id, ...contentOf(item.output) }]
  // Reasoning, calls of tools that run at the provider, references.
  return []
}

const refusalAsText = (part: Part): Part => (part.type === 'refusal' ? { type: 'text', text: part.refusal } : part)

const responseInput = (body: Json): Message[] => [
  ...(typeof body.instructions === 'string' ? [{ role: 'system' as const, content: body.instructions }] : []),
  ...(typeof body.input === 'string'
    ? [{ role: 'user' as const, content: body.input }]
    : mergeAnswers(((body.input ?? []) as Json[]).flatMap(responseItem))),
]

const responseAnswers = (body: Json): Message[] =>
  mergeAnswers(((body.output ?? []) as Json[]).flatMap(responseItem)).map(message => ({
    ...message,
    model: body.model,
    ...tokens(body.usage?.input_tokens, body.usage?.output_tokens),
  }))

/** The response of which a stream told; what it has said so far, if it was ended before. */
const responseOf = (events: Json[]): Json =>
  events.findLast(event => event.response?.output?.length)?.response ?? {
    model: events.find(event => event.response)?.response.model,
    output: [
      ...events.filter(event => event.type === 'response.output_item.done').map(event => event.item),
      ...(events.some(event => event.type === 'response.output_item.done')
        ? []
        : [{ role: 'assistant', content: events.filter(event => event.type === 'response.output_text.delta').map(event => event.delta).join('') }]),
    ],
  }

/** Passes on what a stream yields, and tells what it was when it ends, fails or is left. */
const watch = (stream: Json, finish: (events: Json[]) => void): void => {
  const name = typeof stream.iterator === 'function' ? 'iterator' : Symbol.asyncIterator
  const iterate = stream[name as 'iterator'].bind(stream)
  Object.defineProperty(stream, name, {
    configurable: true,
    writable: true,
    value: async function* () {
      const events: Json[] = []
      try {
        for await (const event of { [Symbol.asyncIterator]: iterate }) {
          events.push(event)
          yield event
        }
      } finally {
        finish(events)
      }
    },
  })
}

const observe = (promise: any, finish: Finish, answers: (body: Json) => Message[], join: (events: Json[]) => Json): any => {
  const see = (result: Json) => {
    if (typeof result?.[Symbol.asyncIterator as unknown as string] === 'function') watch(result, events => finish(() => answers(join(events))))
    else finish(() => answers(result))
    return result
  }
  // The client's own promise also gives the raw response, whose body must not be read here.
  return typeof promise?._thenUnwrap === 'function' ? promise._thenUnwrap(see) : promise.then(see)
}

/** A resource of the client whose calls are logged, and whose helpers (`parse`, `stream`, `runTools`) come here too. */
const resource = <T extends object>(original: T, client: () => object, create: (...args: any[]) => any): T =>
  Object.create(original, { _client: { get: client }, create: { value: create } })

/**
 * The client, with each call of `chat.completions` and `responses` logged: what it adds to the conversation, and the answer, when the caller reads it.
 * The original client stays as it is.
 * @param client A client of the package `openai`, version 5 or later.
 * @param source The chat of all calls, or a function that chooses the chat by the body of a call.
 */
export const logOpenAI = <T extends OpenAIClient>(client: T, source: ChatSource<OpenAICall>): T => {
  const completions = resource(client.chat.completions, () => logged, (body: Json, ...rest: unknown[]) =>
    observe(
      client.chat.completions.create(body, ...rest),
      begin(source, body, () => (body.messages as Json[]).map(completionMessage)),
      completionAnswers,
      completionOf,
    ))
  const chat = Object.create(client.chat, { completions: { value: completions } })
  const responses = client.responses && resource(client.responses, () => logged, (body: Json, ...rest: unknown[]) =>
    observe(client.responses!.create(body, ...rest), begin(source, body, () => responseInput(body)), responseAnswers, responseOf))
  const logged: T = new Proxy(client, {
    get(target, name) {
      if (name === 'chat') return chat
      if (name === 'responses' && responses) return responses
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return logged
}

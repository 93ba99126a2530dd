import type { Chat, Message, Part, ToolCall } from './types.js'

/** The chat of a call, or a function that tells it; null: the call is not logged. */
export type ChatSource<Call> = Chat | ((call: Call) => Chat | null | undefined)

interface History {
  systems: Set<string>
  messages: string[]
}

const histories = new WeakMap<Chat, History>()
const maxRemembered = 1000

// Two FNV-1a hashes: histories are compared, not stored.
const hash = (text: string): string => {
  let [one, two] = [0x811c9dc5, 0x1b873593]
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    one = Math.imul(one ^ code, 0x01000193)
    two = Math.imul(two ^ code, 0x85ebca6b)
  }
  return `${text.length}.${one}.${two}`
}

const parsed = (json: unknown): unknown => {
  try {
    return typeof json === 'string' ? JSON.parse(json) : json
  } catch {
    return json
  }
}

/** The same for a message that a model wrote and for what the caller makes of it in the next call. */
const fingerprint = ({ role, content, parts, toolCalls, toolCallId }: Message): string =>
  hash(JSON.stringify([role, content || '', parts, toolCalls?.map(call => [call.id, call.name, parsed(call.arguments)]), toolCallId]))

const isSystem = ({ role }: Message) => role === 'system' || role === 'developer'

/** How many messages at the beginning of a call were logged before: in the calls of a conversation each repeats what was said, or its end. */
const countKnown = (logged: string[], call: string[]): number => {
  for (let count = Math.min(logged.length, call.length); count > 0; count--)
    // A single message that is not the last one may be said again.
    for (let at = logged.length - count; at >= (count > 1 ? 0 : logged.length - 1); at--)
      if (call.slice(0, count).every((message, i) => message === logged[at + i])) return count
  return 0
}

const say = (chat: Chat, history: History, message: Message) => {
  chat.message(message)
  if (isSystem(message)) history.systems.add(fingerprint(message))
  else history.messages.push(fingerprint(message))
  history.messages.splice(0, history.messages.length - maxRemembered)
}

const saysSomething = ({ content, parts, toolCalls }: Message) => !!(content || parts?.length || toolCalls?.length)

/**
 * Logs what a call of a model adds to its conversation. Returns the function to call with the answers; only its first call counts.
 * Nothing in it throws: the call of the model must not fail because of its log.
 */
export const begin = <Call>(source: ChatSource<Call>, call: Call, input: () => Message[]): ((output: () => Message[]) => void) => {
  const startedAt = performance.now()
  try {
    const chat = typeof source === 'function' ? source(call) : source
    if (!chat) return () => {}
    const history = histories.get(chat) ?? { systems: new Set(), messages: [] }
    const messages = input().filter(saysSomething)
    const spoken = messages.filter(message => !isSystem(message))
    let known = countKnown(history.messages, spoken.map(fingerprint))
    // A conversation that another process began: what stands before the last answer was logged there.
    if (!histories.has(chat) && !chat.isNew) known = spoken.findLastIndex(message => message.role === 'assistant') + 1
    const isResumed = !histories.has(chat) && known > 0
    if (isResumed) history.messages.push(...spoken.slice(0, known).map(fingerprint))
    histories.set(chat, history)
    const skipped = new Set(spoken.slice(0, known))
    for (const message of messages) {
      if (isSystem(message) && isResumed) history.systems.add(fingerprint(message))
      else if (isSystem(message) ? !history.systems.has(fingerprint(message)) : !skipped.has(message)) say(chat, history, message)
    }
    let isLogged = false
    return output => {
      if (isLogged) return
      isLogged = true
      try {
        const latencyMs = Math.round(performance.now() - startedAt)
        for (const message of output().filter(saysSomething)) say(chat, history, { latencyMs, ...message })
      } catch {
        // An answer of an unknown shape.
      }
    }
  } catch {
    return () => {}
  }
}

/** The tokens of an answer; undefined where the model does not say. */
export const tokens = (promptTokens?: number, completionTokens?: number) => ({
  promptTokens,
  completionTokens,
  tokenCount: promptTokens === undefined || completionTokens === undefined ? undefined : promptTokens + completionTokens,
})

/** A text, or parts: text alone is content. */
export const contentOf = (value: unknown): Pick<Message, 'content' | 'parts'> => {
  if (!Array.isArray(value)) return { content: value === null || value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value) }
  const parts = value.map(part => (typeof part === 'string' ? { type: 'text', text: part } : part)) as Part[]
  return parts.every(part => /^((in|out)put_)?text$/.test(part.type) && typeof part.text === 'string')
    ? { content: parts.map(part => part.text).join('') }
    : { parts }
}

/** One message of what a model says piece by piece, as callers send it back. */
export const mergeAnswers = (messages: Message[]): Message[] =>
  messages.reduce<Message[]>((merged, message) => {
    const last = merged.at(-1)
    if (last?.role !== 'assistant' || message.role !== 'assistant') return [...merged, message]
    const toolCalls: ToolCall[] = [...(last.toolCalls ?? []), ...(message.toolCalls ?? [])]
    const content = (last.content ?? '') + (message.content ?? '')
    const parts = [...(last.parts ?? []), ...(message.parts ?? [])]
    const joined: Message = { ...last, ...message }
    if (content) joined.content = content
    if (parts.length) joined.parts = parts
    if (toolCalls.length) joined.toolCalls = toolCalls
    return [...merged.slice(0, -1), joined]
  }, [])

/** Who says a message. */
export type Role = 'user' | 'assistant' | 'system' | 'developer' | 'tool' | 'function'

/** The call of a tool by the assistant. */
export interface ToolCall {
  id: string
  /** At most 128 characters. */
  name: string
  /** An object, or the text that the model wrote. */
  arguments: string | Record<string, unknown>
}

/** A piece of a message that is more than text; free but for `type`. */
export interface Part {
  /** At most 64 characters. */
  type: string
  [member: string]: unknown
}

/** A message says something by `content`, `parts` or `toolCalls`: at least one of them. */
export interface Message {
  role: Role
  /** At most 262,144 bytes of UTF-8 by default, together with parts and tool calls. */
  content?: string | null
  parts?: Part[]
  /** Of the role `assistant`. */
  toolCalls?: ToolCall[]
  /** Of the role `tool`: the call that it answers. */
  toolCallId?: string
  /** The name of the tool or participant. */
  name?: string
  /** At most 16 KiB of JSON. */
  metadata?: Record<string, unknown>
  /** Milliseconds that the answer took, 0 to 86,400,000. */
  latencyMs?: number
  tokenCount?: number
  promptTokens?: number
  completionTokens?: number
  /** At most 100 characters. */
  model?: string
  /** When it was said; now, unless given. At most 72 hours back: an older message gets the time of its arrival. */
  createdAt?: Date | string
}

/** What is known of a chat when its first message is sent. Ignored where the chat exists. */
export interface ChatFields {
  /** At most 200 characters. */
  title?: string
  /** At most 20, each of at most 64 characters. */
  tags?: string[]
  /** At most 16 KiB of JSON. */
  metadata?: Record<string, unknown>
  /** Your own name for the person who chats, at most 128 characters. */
  externalUserId?: string
  /** The id of a member of the organization to whom the chat is attributed. */
  userId?: string
}

/** What could not be delivered, and why. */
export interface ChatLoggerError {
  /** A sentence. */
  message: string
  /** The HTTP status of the response or of the item in it; absent where there was none. */
  status?: number
  /** The service's `application/problem+json`. */
  problem?: unknown
  /** The message or rating that was dropped, as it would have been sent; absent where nothing was dropped. */
  item?: unknown
  /** Whether it will be sent again. */
  willRetry: boolean
}

/** Where the queue is kept, so that it survives the page or the process. Every method may throw: then it is kept in memory. */
export interface QueueStorage {
  names(): Iterable<string>
  get(name: string): string | null
  set(name: string, text: string): void
  delete(name: string): void
}

export interface ChatLoggerOptions {
  /** The address of the service, with the sub-path if it has one. */
  url: string
  /** The organization of the key. */
  slug: string
  /** An API key with the scope `ingest`. In a page, one that is bound to the page's origin (`allowedOrigins`). */
  key: string
  /** Told of what is dropped and of requests that fail. Must not throw; if it does, the error is ignored. */
  onError?: (error: ChatLoggerError) => void
  /** Where the queue is kept: in a page `localStorage` unless given, otherwise in memory only. `null`: in memory only. */
  storage?: QueueStorage | null
  /** How many messages and ratings wait at most, by default 1,000; beyond that the oldest is dropped. */
  maxQueued?: number
  /** How many characters of JSON wait at most, by default 2,000,000; beyond that the oldest is dropped. */
  maxQueuedChars?: number
  /** Milliseconds after which a request without response is sent again, by default 30,000. */
  requestTimeoutMs?: number
  /** Milliseconds that a message waits for others to be sent with it, by default 2,000. */
  flushIntervalMs?: number
  /** Used in place of the global `fetch`. */
  fetch?: typeof fetch
}

/** A message that was queued. */
export interface LoggedMessage {
  /** The service's id, once it is known. */
  readonly id: string | undefined
  /** Rates the message; the last rating wins. The comment has at most 2,000 characters. */
  feedback(rating: 'up' | 'down', comment?: string): void
}

export interface Chat {
  /** The caller's own name of the chat; give it to `chat()` to go on with it, also in another process. */
  readonly externalId: string
  /** Whether the name was made here, so that nothing can have been said in the chat before. */
  readonly isNew: boolean
  /** The service's id, once it is known. */
  readonly id: string | undefined
  /** Queues a message and returns at once. */
  message(message: Message): LoggedMessage
  /** Rates the chat; the last rating wins. The comment has at most 2,000 characters. */
  feedback(rating: 'up' | 'down', comment?: string): void
}

export interface Counts {
  /** Messages and ratings that wait, or are being sent. */
  queued: number
  /** Messages and ratings that the service has acknowledged. */
  acknowledged: number
  /** Messages and ratings that were dropped; `onError` was told of each. */
  dropped: number
  /** Files that were embedded in messages, in place of which their type, size and SHA-256 were sent. */
  embeddedFiles: number
}

export interface ChatLogger {
  /**
   * A chat of this name, made with its first message if there is none. Without a name it is a new chat. With a key that is bound to origins a name
   * has 22 to 200 characters, otherwise 1 to 200.
   */
  chat(externalId?: string | null, fields?: ChatFields): Chat
  /** Sends what is queued. True: everything has been acknowledged or dropped. */
  flush(): Promise<boolean>
  /** Sends what is queued, waits for it at most `timeoutMs` (5,000), and stops. What remains is in the storage, if there is one. */
  close(timeoutMs?: number): Promise<boolean>
  readonly counts: Counts
}

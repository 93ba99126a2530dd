import { randomId } from './random.js'
import { pageStorage } from './storage.js'
import type { ChatFields, ChatLoggerError, ChatLoggerOptions, Counts } from './types.js'

export interface ChatState {
  /** Its `ref` in a batch. */
  ref: string
  externalId: string
  fields?: ChatFields
  id?: string
}

export interface MessageState {
  /** Its Idempotency-Key and its `ref` in a batch. */
  key: string
  id?: string
}

interface Rating {
  type: 'feedback'
  rating: string
  comment?: string
  createdAt?: string
}

interface Entry {
  /** Its name in the storage; names sort by time. */
  name: string
  chat: ChatState
  message?: MessageState
  /** The JSON of a message: the service compares it byte by byte with what it got under the same key. Or a rating. */
  item: string | Rating
  size: number
  isStored?: boolean
  /** When a page that was about to end sent it, in milliseconds since 1970. */
  leftAt?: number
}

interface Result {
  status: number
  id: string | null
  problem: { detail?: string, errors?: Record<string, unknown> } | null
}

const batchEntries = 200
const batchChars = 1_000_000
const maxDelayMs = 300_000
// Browsers give all requests that outlive their page 64 KiB together.
const keepaliveBytes = 48 * 1024
// The service remembers Idempotency-Keys for 24 hours.
const keyLifeMs = 23 * 3_600_000

const isRetriable = (status: number) => status === 409 || status === 429 || status === 408 || status >= 500
// Wrong settings: they can be put right at the service while the page or the process lives.
const isRefusal = (status: number) => status === 401 || status === 403 || status === 404

const byteLength = (text: string) => new TextEncoder().encode(text).length

const gzip = (text: string): Promise<ArrayBuffer> =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()

export const createQueue = (options: ChatLoggerOptions) => {
  const { url, slug, key, onError } = options
  const address = `${String(url).replace(/\/+$/, '')}/api/v1/orgs/${encodeURIComponent(slug)}/batch`
  const prefix = `chatlogger|${address}|`
  const storage = options.storage === undefined ? pageStorage() : options.storage
  const isPage = typeof document === 'object'
  const maxQueued = options.maxQueued ?? (isPage ? 1000 : 10_000)
  const maxChars = options.maxQueuedChars ?? (isPage ? 2_000_000 : 20_000_000)
  const flushIntervalMs = options.flushIntervalMs ?? 2000
  const counts: Counts = { queued: 0, acknowledged: 0, dropped: 0, embeddedFiles: 0 }
  const entries: Entry[] = []
  const inFlight = new Set<Entry>()
  let keepaliveInFlight = 0
  let chars = 0
  let sequence = 0
  let failures = 0
  let limit = batchEntries
  let isClosed = false
  /** After a failure: until the timer ends, nothing is sent. */
  let isWaiting = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let sending: Promise<void> | undefined

  const tell = (error: ChatLoggerError) => {
    try {
      onError?.(error)
    } catch {
      // The host's own error must not stop the queue.
    }
  }

  const refuse = (message: string, item: unknown, status?: number, problem?: unknown) => {
    counts.dropped++
    tell({ message, status, problem, item, willRetry: false })
  }

  const save = (entry: Entry) => {
    const { chat, message, item, leftAt } = entry
    try {
      storage?.set(entry.name, JSON.stringify({ chat, message, item, leftAt }))
      entry.isStored = !!storage
    } catch {
      // It is full, or not allowed any more: the entry stays in memory.
    }
  }

  const remove = (entry: Entry) => {
    const at = entries.indexOf(entry)
    if (at < 0) return false
    entries.splice(at, 1)
    counts.queued--
    chars -= entry.size
    try {
      if (entry.isStored) storage!.delete(entry.name)
    } catch {
      // It is sent again when the queue is loaded, and the service recognizes it.
    }
    return true
  }

  const drop = (entry: Entry, message: string, status?: number, problem?: unknown) => {
    if (remove(entry)) refuse(message, typeof entry.item === 'string' ? JSON.parse(entry.item) : entry.item, status, problem)
  }

  const push = (entry: Entry) => {
    entries.push(entry)
    counts.queued++
    chars += entry.size
    for (let at = 0; (entries.length > maxQueued || chars > maxChars) && at < entries.length - 1;)
      if (inFlight.has(entries[at]!)) at++
      else drop(entries[at]!, 'The queue is full.')
  }

  const load = () => {
    try {
      const messages = new Map<string, MessageState>()
      for (const name of [...(storage?.names() ?? [])].filter(name => name.startsWith(prefix)).sort()) {
        const text = storage!.get(name)
        if (!text) continue
        const { chat, message, item, leftAt } = JSON.parse(text) as Entry
        // Ratings refer to the same message as the message itself.
        if (message && !messages.has(message.key)) messages.set(message.key, message)
        const entry: Entry = { name, chat, message: message && messages.get(message.key), item, size: text.length, isStored: true, leftAt }
        push(entry)
        if (leftAt && Date.now() - leftAt > keyLifeMs)
          drop(entry, 'A page sent it when it ended; whether it arrived is not known, and it is too old to be sent again without the risk of doubling it.')
      }
    } catch {
      // Nothing can be read: then nothing is sent again.
    }
  }

  const schedule = (delayMs: number, afterFailure = false) => {
    if (isClosed || isWaiting || (timer && !afterFailure)) return
    clearTimeout(timer)
    isWaiting = afterFailure
    timer = setTimeout(() => void start(), delayMs)
    // A process need not stay for a service that is away.
    if (afterFailure) (timer as { unref?: () => void }).unref?.()
  }

  const take = (most: number): Entry[] => {
    const taken: Entry[] = []
    let size = 0
    for (const entry of [...entries]) {
      if (inFlight.has(entry)) continue
      // What another page has sent or dropped is not in the storage any more.
      let isGone = false
      try {
        isGone = !!entry.isStored && storage!.get(entry.name) === null
      } catch {
        // It stays in memory.
      }
      if (isGone) {
        if (remove(entry)) counts.acknowledged++
        continue
      }
      size += entry.size
      if (taken.length && (size > most || taken.length === limit)) break
      taken.push(entry)
    }
    return taken
  }

  /** The items of a batch, and to which entry or chat each belongs. */
  const compose = (batch: Entry[]) => {
    const items: string[] = []
    const owners: (Entry | ChatState)[] = []
    const chats = new Set<ChatState | string>()
    for (const entry of batch) {
      const { chat, message, item } = entry
      const isMessage = typeof item === 'string'
      if ((isMessage ? item.startsWith('{"type":"message","chatRef"') : !chat.id) && !chats.has(chat.ref)) {
        chats.add(chat.ref)
        owners.push(chat)
        items.push(JSON.stringify({ type: 'chat', ref: chat.ref, externalId: chat.externalId, ...chat.fields }))
      }
      owners.push(entry)
      items.push(isMessage ? item : JSON.stringify({
        ...item,
        ...(chats.has(chat.ref) ? { chatRef: chat.ref } : { chatId: chat.id }),
        ...(message && (message.id ? { messageId: message.id } : { messageRef: message.key })),
      }))
    }
    return { body: `{"items":[${items.join(',')}]}`, owners }
  }

  /** Returns the delay after which to go on: 0 at once. */
  const settle = (owners: (Entry | ChatState)[], results: Result[]): number => {
    let mustWait = false
    let isRetried = false
    for (const [at, owner] of owners.entries()) {
      const { status, id, problem } = results[at]!
      if (!('item' in owner)) {
        if (id) for (const entry of entries) if (entry.chat.ref === owner.ref) entry.chat.id = id
        if (id) owner.id = id
        mustWait ||= isRetriable(status)
      } else if (id || status < 300) {
        if (owner.message && typeof owner.item === 'string') {
          owner.message.id = id!
          for (const entry of entries) if (entry.message?.key === owner.message.key && entry !== owner) save(entry)
        }
        if (remove(owner)) counts.acknowledged++
      } else if (isRetriable(status) || (status === 404 && (mustWait || isRetried))) {
        // A 404 may be the consequence of an earlier item that is sent again.
        mustWait ||= status !== 404
      } else if ((status === 403 || problem?.errors?.createdAt) && withoutTime(owner)) {
        isRetried = true
      } else {
        drop(owner, problem?.detail ?? 'The service refused it.', status, problem)
      }
    }
    return mustWait && !isRetried ? backOff() : 0
  }

  /** Removes the time of an entry, which is too old, or ahead because the clock is wrong. */
  const withoutTime = (entry: Entry): boolean => {
    const item = typeof entry.item === 'string' ? JSON.parse(entry.item) : { ...entry.item }
    if (!item.createdAt) return false
    delete item.createdAt
    entry.item = typeof entry.item === 'string' ? JSON.stringify(item) : item
    if (entry.isStored) save(entry)
    return true
  }

  const backOff = (retryAfter?: string | null): number => {
    const delay = Math.min(maxDelayMs, 1000 * 2 ** failures++ * (0.5 + Math.random()))
    return Math.max(delay, Math.min(maxDelayMs, 1000 * (Number(retryAfter) || 0)))
  }

  /** Sends a batch. Returns the delay in milliseconds after which to go on. */
  const post = async (batch: Entry[], isLeaving: boolean): Promise<number> => {
    const { body, owners } = compose(batch)
    const bytes = isLeaving ? byteLength(body) : 0
    batch.forEach(entry => inFlight.add(entry))
    keepaliveInFlight += bytes
    try {
      // Compression is asynchronous, and a page that ends does not wait.
      const isCompressed = !isLeaving && body.length > 1024 && typeof CompressionStream === 'function'
      const content = isCompressed ? await gzip(body) : body
      const response = await (options.fetch ?? fetch)(address, {
        method: 'POST',
        body: content,
        headers: {
          'content-type': 'application/json',
          'x-organization-api-key': key,
          ...(isCompressed && { 'content-encoding': 'gzip' }),
        },
        credentials: 'omit',
        keepalive: isLeaving,
        signal: AbortSignal.timeout(options.requestTimeoutMs ?? 30_000),
      })
      const { status } = response
      const answer = await response.json().catch(() => null) as { detail?: string, results?: Result[] } | null
      if (response.ok && answer?.results?.length === owners.length) {
        limit = batchEntries
        const delay = settle(owners, answer.results)
        if (!delay) failures = 0
        return delay
      }
      const message = answer?.detail ?? `The service answered with ${status}.`
      if (response.ok || isRetriable(status) || isRefusal(status)) {
        tell({ message, status, problem: answer, willRetry: true })
        return isRefusal(status) ? maxDelayMs : backOff(response.headers.get('retry-after'))
      }
      // Something in it was refused as a whole: halves find out what.
      if (batch.length === 1) drop(batch[0]!, message, status, answer)
      limit = Math.max(1, batch.length >> 1)
      return 0
    } catch (error) {
      tell({ message: `The service cannot be reached: ${error}`, willRetry: true })
      for (const entry of batch) if (entry.leftAt) save({ ...entry, leftAt: entry.leftAt = undefined })
      return backOff()
    } finally {
      batch.forEach(entry => inFlight.delete(entry))
      keepaliveInFlight -= bytes
    }
  }

  const isOffline = () => typeof navigator === 'object' && navigator.onLine === false

  const send = async () => {
    for (let batch = take(batchChars); batch.length && !isClosed; batch = take(batchChars)) {
      const delay = isOffline() ? backOff() : await post(batch, false)
      if (delay) return schedule(delay, true)
    }
  }

  const hasWaiting = () => entries.length > inFlight.size

  const start = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    isWaiting = false
    return (sending ??= send().finally(() => {
      sending = undefined
      if (hasWaiting()) schedule(flushIntervalMs)
    }))
  }

  const flush = async (): Promise<boolean> => {
    // What is being sent may end in a delay; what was added since is sent afterwards.
    await sending
    if (entries.length) await start()
    return !entries.length
  }

  const leave = () => {
    const room = keepaliveBytes - keepaliveInFlight
    let batch = isOffline() ? [] : take(room)
    while (batch.length && byteLength(compose(batch).body) > room) batch = batch.slice(0, batch.length >> 1)
    if (!batch.length) return
    for (const entry of batch) {
      entry.leftAt = Date.now()
      if (entry.isStored) save(entry)
    }
    void post(batch, true).then(delay => hasWaiting() && schedule(delay, delay > 0))
  }

  const hide = () => document.visibilityState === 'hidden' && leave()
  const listen = (method: 'addEventListener' | 'removeEventListener') => {
    if (!isPage) return
    globalThis[method]('pagehide', leave)
    globalThis[method]('online', start)
    document[method]('visibilitychange', hide)
  }

  load()
  listen('addEventListener')
  if (entries.length) schedule(0)

  return {
    counts,
    refuse,
    flush,

    add(chat: ChatState, message: MessageState | undefined, item: string | Rating) {
      if (isClosed) return refuse('The chat logger is closed.', item)
      const name = `${prefix}${Date.now().toString(36)}-${(sequence++).toString(36).padStart(6, '0')}-${randomId().slice(0, 8)}`
      const size = (typeof item === 'string' ? item : JSON.stringify(item)).length + 200
      const entry: Entry = { name, chat, message, item, size }
      push(entry)
      save(entry)
      if (sending || isWaiting) return
      if (entries.length >= 20 || chars >= keepaliveBytes) void start()
      else schedule(flushIntervalMs)
    },

    async close(timeoutMs = 5000): Promise<boolean> {
      let giveUp: ReturnType<typeof setTimeout> | undefined
      const isEmpty = await Promise.race([
        flush(),
        new Promise<boolean>(resolve => (giveUp = setTimeout(() => resolve(false), timeoutMs))),
      ])
      clearTimeout(giveUp)
      isClosed = true
      clearTimeout(timer)
      listen('removeEventListener')
      return isEmpty
    },
  }
}

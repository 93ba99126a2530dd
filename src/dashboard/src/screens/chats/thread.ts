import { batch, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ApiError, type Chat, DELETE, GET, type Message, body } from '../../api'
import { onLive } from '../../live'
import { org } from '../../session'
import { useHealing } from '../../ui/resource'

const pageSize = 60
/** More messages than this are not held: what is far from the reader is dropped, and loaded again when they come back. */
const mostHeld = 360

type Order = 'asc' | 'desc'
type Options = { order: Order; around?: string; cursor?: string }

/** Where a chat opens: at one of its ends, or at a message. */
export type Place = 'start' | 'end' | { message: string }

/** A chat and the messages around a place in it, in the order in which they were said; more come in both directions. */
export function useThread(id: string, place: Place) {
  const chat = useSignal<Chat | null>(null)
  const messages = useSignal<Message[]>([])
  /** Where earlier messages are: a cursor, and the order that it belongs to. */
  const older = useSignal<Options | null>(null)
  const newer = useSignal<Options | null>(null)
  const loading = useSignal(true)
  const error = useSignal<Error | null>(null)
  /** How many messages came since the reader looked at the end. */
  const fresh = useSignal(0)
  const running = useRef<AbortController | null>(null)
  const busy = useRef(false)
  /** While the reader deletes, nothing is asked for that may be gone before the answer. */
  const deleting = useRef(false)
  /** Whether something happened that could not be looked at yet. */
  const behind = useRef(false)

  const page = (options: Options, signal?: AbortSignal) =>
    body(
      GET('/orgs/{org}/chats/{chatId}/messages', {
        params: { path: { org: org.value, chatId: id }, query: { limit: pageSize, ...options } },
        ...(signal && { signal }),
      }),
    )

  const open = async (at: Place): Promise<void> => {
    running.current?.abort()
    const controller = (running.current = new AbortController())
    loading.value = true
    error.value = null
    const options: Options = at === 'end' ? { order: 'desc' } : at === 'start' ? { order: 'asc' } : { order: 'asc', around: at.message }
    try {
      const [loaded, first] = await Promise.all([
        body(GET('/orgs/{org}/chats/{chatId}', { params: { path: { org: org.value, chatId: id } }, signal: controller.signal })),
        page(options, controller.signal).catch((reason: unknown) => {
          // The message of a link may be deleted: the chat opens at its end.
          if (isGone(options, reason)) return null
          throw reason
        }),
      ])
      if (controller.signal.aborted) return
      if (first === null) return await open('end')
      const isDescending = options.order === 'desc'
      const [earlier, later] = isDescending ? [first.nextCursor, null] : [first.previousCursor, first.nextCursor]
      batch(() => {
        chat.value = loaded
        fresh.value = 0
        loading.value = false
        messages.value = isDescending ? first.items.toReversed() : first.items
        older.value = earlier ? { order: options.order, cursor: earlier } : null
        newer.value = later ? { order: 'asc', cursor: later } : null
      })
    } catch (reason) {
      if (controller.signal.aborted) return
      batch(() => {
        error.value = reason as Error
        loading.value = false
      })
    }
  }

  /** Calls something unless it runs; a failure is shown. */
  const once = async (run: (signal: AbortSignal) => Promise<void>) => {
    if (busy.current) return
    busy.current = true
    const signal = running.current!.signal
    try {
      await run(signal)
      error.value = null
    } catch (reason) {
      if (!signal.aborted) error.value = reason as Error
    } finally {
      busy.current = false
      if (behind.current) refresh()
    }
  }

  /** The page at an edge, without what is held; null if the message at the edge was deleted, which opens the chat at its end. */
  const beyond = async (from: Options, signal: AbortSignal) => {
    try {
      const found = await page(from, signal)
      const held = new Set(messages.value.map(message => message.id))
      return { ...found, items: found.items.filter(message => !held.has(message.id)) }
    } catch (reason) {
      if (!isGone(from, reason)) throw reason
      void open('end')
      return null
    }
  }

  const loadOlder = () =>
    once(async signal => {
      const from = older.value
      const found = from && (await beyond(from, signal))
      if (!found) return
      const isDescending = from.order === 'desc'
      const next = isDescending ? found.nextCursor : found.previousCursor
      const all = [...(isDescending ? found.items.toReversed() : found.items), ...messages.value]
      const held = all.slice(0, mostHeld)
      batch(() => {
        messages.value = held
        older.value = next ? { order: from.order, cursor: next } : null
        if (held.length < all.length) newer.value = { order: 'asc', around: held.at(-1)!.id }
      })
    })

  const loadNewer = () =>
    once(async signal => {
      const from = newer.value
      const found = from && (await beyond(from, signal))
      if (!found) return
      const all = [...messages.value, ...found.items]
      const held = all.slice(-mostHeld)
      batch(() => {
        messages.value = held
        newer.value = found.nextCursor ? { order: 'asc', cursor: found.nextCursor } : null
        if (held.length < all.length) older.value = { order: 'asc', around: held[0]!.id }
      })
    })

  /** Looks at what has happened, once nothing else is asked for. */
  const refresh = (): void => {
    behind.current = busy.current || deleting.current
    if (behind.current) return
    void once(async signal => {
      chat.value = await body(GET('/orgs/{org}/chats/{chatId}', { params: { path: { org: org.value, chatId: id } }, signal }))
      if (newer.value) return
      const last = messages.value.at(-1)
      if (!last) return void open('end')
      const found = await page({ order: 'asc', around: last.id }, signal).catch(() => null)
      if (signal.aborted) return
      // The last one was deleted.
      if (!found) return void open('end')
      const news = new Map(found.items.map(message => [message.id, message]))
      const known = new Set(messages.value.map(message => message.id))
      const added = found.items.filter(message => !known.has(message.id))
      const firstChecked = found.items[0]?.id
      const checkedFrom = messages.value.findIndex(message => message.id === firstChecked)
      batch(() => {
        messages.value = [
          ...messages.value
            .filter((message, at) => at < checkedFrom || checkedFrom < 0 || news.has(message.id))
            .map(message => news.get(message.id) ?? message),
          ...added,
        ]
        newer.value = found.nextCursor ? { order: 'asc', cursor: found.nextCursor } : null
        fresh.value += added.length
      })
    })
  }

  /** Deletes the chat or a message of it. */
  const remove = async (request: () => Promise<unknown>): Promise<void> => {
    deleting.current = true
    if (!loading.value) {
      running.current?.abort()
      running.current = new AbortController()
    }
    try {
      await request()
    } catch (reason) {
      resume()
      throw reason
    }
  }

  const resume = () => {
    deleting.current = false
    if (behind.current) refresh()
  }

  useEffect(() => {
    void open(place)
    return () => running.current?.abort()
  }, [id])

  useEffect(
    () =>
      onLive(events => {
        const mine = events.filter(event => event.kind === 'reset' || event.chatId === id)
        if (mine.length === 0 || loading.value) return
        if (mine.some(event => event.kind === 'chat.deleted')) {
          running.current?.abort()
          chat.value = null
          error.value = new ApiError(404, {}, null)
          return
        }
        refresh()
      }),
    [id],
  )

  useHealing(error, () => void (chat.value ? (error.value = null) : open(place)))

  return {
    chat,
    messages,
    older,
    newer,
    loading,
    error,
    fresh,
    open,
    loadOlder,
    loadNewer,
    /** All messages, however many there are, from the first. */
    all: async () => {
      const found: Message[] = []
      let next: Options | null = { order: 'asc' }
      while (next) {
        const part: Awaited<ReturnType<typeof page>> = await page(next)
        found.push(...part.items)
        next = part.nextCursor ? { order: 'asc', cursor: part.nextCursor } : null
      }
      return found
    },
    deleteChat: () => remove(() => body(DELETE('/orgs/{org}/chats/{chatId}', { params: { path: { org: org.value, chatId: id } } }))),
    deleteMessage: async (messageId: string) => {
      await remove(() =>
        body(DELETE('/orgs/{org}/chats/{chatId}/messages/{messageId}', { params: { path: { org: org.value, chatId: id, messageId } } })),
      )
      messages.value = messages.value.filter(other => other.id !== messageId)
      resume()
    },
  }
}

/** Whether the message that was asked for is not there. */
const isGone = (options: Options, reason: unknown) => options.around !== undefined && reason instanceof ApiError && reason.status === 404

/** What a message says, as the service's search and previews read it. */
export function textOf(message: Message): string {
  if (message.content) return message.content
  return (message.parts ?? [])
    .map(part =>
      typeof part['text'] === 'string' ? part['text'] : part.type === 'text' && typeof part['content'] === 'string' ? part['content'] : '',
    )
    .filter(text => text !== '')
    .join('\n\n')
}

import { withoutDataUrls, withoutFiles } from './embedded.js'
import { createQueue, type ChatState, type MessageState } from './queue.js'
import { randomId } from './random.js'
import type { Chat, ChatFields, ChatLogger, ChatLoggerOptions, LoggedMessage, Message } from './types.js'

export type * from './types.js'

// The service refuses text that is not well-formed, such as half of a surrogate pair at the end of a piece of a stream, and NUL.
const storable = (_: string, value: unknown) =>
  typeof value === 'string' ? (value.toWellFormed?.() ?? value).replaceAll('\0', '\ufffd') : value

const time = (at: Date | string = new Date()) => (typeof at === 'string' ? at : at.toISOString())

/**
 * Queues messages and sends them to the service in the background. Nothing here throws into the caller: what goes wrong is told to `onError`.
 */
export const createChatLogger = (options: ChatLoggerOptions): ChatLogger => {
  const queue = createQueue(options)
  const countFile = () => void queue.counts.embeddedFiles++

  const rate = (chat: ChatState, message: MessageState | undefined, rating: 'up' | 'down', comment?: string) =>
    queue.add(chat, message, { type: 'feedback', rating, comment, createdAt: time() })

  const log = (chat: ChatState, message: Message): LoggedMessage => {
    const state: MessageState = { key: randomId() }
    try {
      const { content, parts, createdAt, ...rest } = message
      const item = JSON.stringify(
        {
          type: 'message',
          ...(chat.id ? { chatId: chat.id } : { chatRef: chat.ref }),
          ref: state.key,
          idempotencyKey: state.key,
          createdAt: time(createdAt),
          content: content ? withoutDataUrls(content, countFile) : content,
          parts: parts && withoutFiles(parts, countFile),
          ...rest,
        },
        storable,
      )
      queue.add(chat, state, item)
    } catch (error) {
      queue.refuse(`The message cannot be written as JSON: ${error}`, message)
    }
    return {
      get id() {
        return state.id
      },
      feedback: (rating, comment) => rate(chat, state, rating, comment),
    }
  }

  return {
    chat(externalId?: string | null, fields?: ChatFields): Chat {
      const chat: ChatState = { ref: randomId(), externalId: externalId || randomId(), fields }
      return {
        externalId: chat.externalId,
        isNew: !externalId,
        get id() {
          return chat.id
        },
        message: message => log(chat, message),
        feedback: (rating, comment) => rate(chat, undefined, rating, comment),
      }
    },
    flush: queue.flush,
    close: queue.close,
    get counts() {
      return { ...queue.counts }
    },
  }
}

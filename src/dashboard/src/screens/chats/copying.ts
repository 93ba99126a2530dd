import type { Chat, Message } from '../../api'
import { t } from '../../text'
import { full } from '../../time'
import { textOf } from './thread'

const calls = (message: Message) =>
  (message.toolCalls ?? []).map(
    call => `${call.name}(${typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments)})`,
  )

const lines = (parts: string[], between: string) => parts.filter(Boolean).join(between)

export const asText = (messages: Message[]) =>
  messages
    .map(message => {
      const said = lines([textOf(message), ...calls(message)], '\n')
      return `${t.conversation.roles[message.role]}, ${full(message.createdAt)}\n${said}`
    })
    .join('\n\n')

export const asMarkdown = (chat: Chat, messages: Message[]) =>
  [
    `# ${chat.title ?? chat.id}`,
    ...messages.map(message => {
      const said = lines([textOf(message), ...calls(message).map(call => `\`${call}\``)], '\n\n')
      return `**${t.conversation.roles[message.role]}** (${full(message.createdAt)})\n\n${said}`
    }),
  ].join('\n\n')

export const asJson = (chat: Chat, messages: Message[]) => JSON.stringify({ ...chat, messages }, null, 2)

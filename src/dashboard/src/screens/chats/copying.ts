import type { Chat, Message } from '../../api'
import { t } from '../../text'
import { full } from '../../time'
import { textOf } from './thread'

const calls = (message: Message) =>
  (message.toolCalls ?? []).map(call => `${call.name}(${typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments)})`)

export const asText = (messages: Message[]) =>
  messages
    .map(message => `${t.conversation.roles[message.role]}, ${full(message.createdAt)}\n${[textOf(message), ...calls(message)].filter(Boolean).join('\n')}`)
    .join('\n\n')

export const asMarkdown = (chat: Chat, messages: Message[]) =>
  [
    `# ${chat.title ?? chat.id}`,
    ...messages.map(
      message =>
        `**${t.conversation.roles[message.role]}** (${full(message.createdAt)})\n\n${[textOf(message), ...calls(message).map(call => `\`${call}\``)].filter(Boolean).join('\n\n')}`,
    ),
  ].join('\n\n')

export const asJson = (chat: Chat, messages: Message[]) => JSON.stringify({ ...chat, messages }, null, 2)

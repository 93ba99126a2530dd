import type { Chat, Message } from '../../api'
import { count, duration } from '../../numbers'
import { href } from '../../router'
import { base } from '../../session'
import { t } from '../../text'
import { full } from '../../time'
import { CopyButton, Tag } from '../../ui/basics'
import { JsonTree } from '../../ui/json-tree'

const chats = (name: string, value: string) => href([...base.value, 'chats'], new URLSearchParams({ [name]: value }))

/** What is known of a chat; each value leads to the chats that share it. */
export function Facts({ chat, messages, complete }: { chat: Chat; messages: Message[]; complete: boolean }) {
  const models = [...new Set(messages.map(message => message.model).filter(model => model != null))]
  const tokens = messages.reduce(
    (sum, message) => sum + (message.tokenCount ?? (message.promptTokens ?? 0) + (message.completionTokens ?? 0)),
    0,
  )
  const latencies = messages
    .map(message => message.latencyMs)
    .filter(latency => latency != null)
    .sort((a, b) => a - b)
  return (
    <aside class="pane facts" aria-label={t.conversation.facts}>
      <dl>
        {chat.externalUserId && (
          <>
            <dt>{t.facts.endUser}</dt>
            <dd dir="auto">
              <a href={chats('externalUserId', chat.externalUserId)}>{chat.externalUserId}</a>
            </dd>
          </>
        )}
        {chat.userId && (
          <>
            <dt>{t.facts.member}</dt>
            <dd>
              <a href={chats('userId', chat.userId)}>{chat.userId}</a>
            </dd>
          </>
        )}
        {chat.feedback && (
          <>
            <dt>{t.facts.rating}</dt>
            <dd>
              {t.conversation.chatRated[chat.feedback.rating]}
              {chat.feedback.comment && (
                <blockquote class={`comment ${chat.feedback.rating}`} dir="auto">
                  {chat.feedback.comment}
                </blockquote>
              )}
            </dd>
          </>
        )}
        {chat.tags.length > 0 && (
          <>
            <dt>{t.facts.tags}</dt>
            <dd class="tags">
              {chat.tags.slice(0, 100).map(tag => (
                <a key={tag} href={chats('tag', tag)}>
                  <Tag>{tag}</Tag>
                </a>
              ))}
            </dd>
          </>
        )}
        <dt>{t.facts.created}</dt>
        <dd>{full(chat.createdAt)}</dd>
        <dt>{t.facts.messages}</dt>
        <dd>
          {count(messages.length)}
          {!complete && '+'}
        </dd>
        {models.length > 0 && (
          <>
            <dt>{t.facts.models}</dt>
            <dd>
              {models.map(model => (
                <a key={model} class="line" href={chats('model', model)}>
                  {model}
                </a>
              ))}
            </dd>
          </>
        )}
        {tokens > 0 && (
          <>
            <dt>{t.facts.tokens}</dt>
            <dd>{count(tokens)}</dd>
          </>
        )}
        {latencies.length > 0 && (
          <>
            <dt>{t.facts.latency}</dt>
            <dd>{duration(latencies[Math.floor(latencies.length / 2)]!)}</dd>
          </>
        )}
        {chat.externalId && (
          <>
            <dt>{t.facts.externalId}</dt>
            <dd dir="auto">{chat.externalId}</dd>
          </>
        )}
        <dt>{t.facts.id}</dt>
        <dd class="id">
          <code>{chat.id}</code>
          <CopyButton kind="quiet" text={chat.id} label={t.copy} />
        </dd>
      </dl>
      {!complete && <p class="muted">{t.facts.loadedOnly}</p>}
      {Object.keys(chat.metadata).length > 0 && <JsonTree value={chat.metadata} name={t.conversation.metadata} open />}
    </aside>
  )
}

import { signal, useSignal } from '@preact/signals'
import type { FunctionComponent } from 'preact'
import type { Message } from '../../api'
import { count, duration } from '../../numbers'
import { href, path } from '../../router'
import { may } from '../../session'
import { t } from '../../text'
import { full, time } from '../../time'
import { Button, Menu, copy } from '../../ui/basics'
import { Icon, type IconName } from '../../ui/icons'
import { JsonTree } from '../../ui/json-tree'
import { textOf } from './thread'

/** More than this is cut until the reader asks for it. */
const longText = 6_000

const icons: Record<Message['role'], IconName> = {
  user: 'user',
  assistant: 'bot',
  system: 'system',
  developer: 'system',
  tool: 'tool',
  function: 'tool',
}

const renderer = signal<FunctionComponent<{ text: string }> | null>(null)

/** Fences around code are known also in plain text. */
function* blocks(text: string): Generator<{ code: boolean; text: string }> {
  const fence = /^(```+|~~~+)[^\n]*\n([\s\S]*?)(?:^\1[^\n]*$|(?![\s\S]))/gm
  let done = 0
  for (const match of text.matchAll(fence)) {
    if (match.index > done) yield { code: false, text: text.slice(done, match.index).replace(/\n$/, '') }
    yield { code: true, text: match[2]!.replace(/\n$/, '') }
    done = match.index + match[0].length
  }
  if (done < text.length) yield { code: false, text: text.slice(done).replace(/^\n/, '') }
}

function Text({ text, formatted }: { text: string; formatted: boolean }) {
  const expanded = useSignal(false)
  const isLong = text.length > longText
  const shown = isLong && !expanded.value ? text.slice(0, longText) : text
  const Rendered = renderer.value
  return (
    <>
      {formatted && Rendered ? (
        <Rendered text={shown} />
      ) : (
        [...blocks(shown)].map(({ code, text }, at) =>
          code ? (
            <pre key={at} tabIndex={0}>
              <code>{text}</code>
            </pre>
          ) : (
            <p key={at} class="plain" dir="auto">
              {text}
            </p>
          ),
        )
      )}
      {isLong && (
        <Button kind="quiet" onClick={() => (expanded.value = !expanded.value)}>
          {expanded.value ? t.conversation.collapse : `${t.conversation.expand} (${t.conversation.characters(text.length)})`}
        </Button>
      )}
    </>
  )
}

type Part = NonNullable<Message['parts']>[number]

/** Where a part's file is; null if it is not an address that one may follow. */
function address(part: Part): string | null {
  const image = part['image_url']
  const candidates = [
    typeof image === 'object' && image ? (image as { url?: unknown }).url : image,
    part['url'],
    part['uri'],
    part['image'],
    part['file_url'],
  ]
  const found = candidates.find(value => typeof value === 'string' && /^https?:/i.test(value))
  return (found as string | undefined) ?? null
}

function PartView({ part, formatted }: { part: Part; formatted: boolean }) {
  const text =
    typeof part['text'] === 'string' ? part['text'] : part.type === 'text' && typeof part['content'] === 'string' ? part['content'] : null
  if (text !== null)
    return (
      <>
        {part.type !== 'text' && <p class="part-type">{part.type}</p>}
        <Text text={text} formatted={formatted} />
      </>
    )
  const link = address(part)
  const isImage = part.type.includes('image') || String(part['mediaType'] ?? '').startsWith('image/')
  return (
    <div class="part">
      <p>
        <Icon name={isImage ? 'image' : 'link'} />
        <span>{isImage ? t.conversation.image : t.conversation.part(part.type)}</span>
        {link && (
          <a href={link} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
            {link}
          </a>
        )}
      </p>
      <JsonTree value={part} name={part.type} />
    </div>
  )
}

type Call = NonNullable<Message['toolCalls']>[number]

function argumentsOf(call: Call): unknown {
  if (typeof call.arguments !== 'string') return call.arguments
  try {
    return JSON.parse(call.arguments)
  } catch {
    return call.arguments
  }
}

/** A call of a tool and what it answered, folded together. */
function ToolCall({ call, result }: { call: Call; result: Message | undefined }) {
  const given = argumentsOf(call)
  return (
    <details class="tool-call">
      <summary>
        <Icon name="tool" />
        <code>{call.name}</code>
        <span class="arguments">{typeof given === 'string' ? given : JSON.stringify(given)}</span>
      </summary>
      <div>
        {typeof given === 'object' && given !== null ? <JsonTree value={given} open /> : <pre tabIndex={0}>{String(given)}</pre>}
        <h3>{t.conversation.result}</h3>
        {result ? <Said message={result} formatted={false} /> : <p class="muted">{t.conversation.noResult}</p>}
      </div>
    </details>
  )
}

function Said({ message, formatted }: { message: Message; formatted: boolean }) {
  return (
    <>
      {message.content && <Text text={message.content} formatted={formatted} />}
      {message.parts?.map((part, at) => (
        <PartView key={at} part={part} formatted={formatted} />
      ))}
    </>
  )
}

export function MessageView({
  message,
  results,
  isTarget,
  remove,
}: {
  message: Message
  /** What tools answered, by the id of the call. */
  results: ReadonlyMap<string, Message>
  isTarget: boolean
  remove: () => void
}) {
  const formatted = useSignal(false)
  const link = () => new URL(href(path.value, undefined, `m-${message.id}`), location.href).href
  const hasMetadata = Object.keys(message.metadata).length > 0
  return (
    <article
      id={`m-${message.id}`}
      class={`message ${message.role} ${isTarget ? 'target' : ''}`}
      tabIndex={-1}
      aria-label={`${t.conversation.roles[message.role]}, ${full(message.createdAt)}`}
    >
      <header>
        <Icon name={icons[message.role]} />
        <strong>{t.conversation.roles[message.role]}</strong>
        {message.name && <span dir="auto">{message.name}</span>}
        <a href={link()} class="time">
          <time dateTime={message.createdAt} title={full(message.createdAt)}>
            {time(message.createdAt)}
          </time>
        </a>
        {message.feedback && (
          <span class={`rating ${message.feedback.rating}`} title={t.conversation.rated[message.feedback.rating]}>
            <Icon name={message.feedback.rating === 'up' ? 'up' : 'downvote'} />
            <span class="visually-hidden">{t.conversation.rated[message.feedback.rating]}</span>
          </span>
        )}
        <Menu label={t.more} icon="more">
          <button type="button" onClick={() => void copy(textOf(message))}>
            <Icon name="copy" /> {t.conversation.copyMessage}
          </button>
          <button type="button" onClick={() => void copy(link())}>
            <Icon name="link" /> {t.conversation.link}
          </button>
          <button
            type="button"
            onClick={async () => {
              renderer.value ??= (await import('../../ui/markdown')).Markdown
              formatted.value = !formatted.value
            }}
          >
            <Icon name="edit" /> {formatted.value ? t.conversation.asText : t.conversation.rendered}
          </button>
          {may.write.value && (
            <button type="button" class="danger" onClick={remove}>
              <Icon name="trash" /> {t.conversation.deleteMessage}
            </button>
          )}
        </Menu>
      </header>
      <div class="bubble">
        <Said message={message} formatted={formatted.value} />
        {message.toolCalls?.map(call => (
          <ToolCall key={call.id} call={call} result={results.get(call.id)} />
        ))}
        {hasMetadata && (
          <div class="message-metadata">
            <JsonTree value={message.metadata} name={t.conversation.metadata} />
          </div>
        )}
      </div>
      {message.feedback?.comment && (
        <p class={`comment ${message.feedback.rating}`} dir="auto">
          {message.feedback.comment}
        </p>
      )}
      <Facts message={message} />
    </article>
  )
}

function Facts({ message }: { message: Message }) {
  const parts = [
    message.model,
    message.latencyMs != null && duration(message.latencyMs),
    message.promptTokens != null || message.completionTokens != null
      ? `${count(message.promptTokens ?? 0)} → ${t.conversation.tokens(message.completionTokens ?? 0)}`
      : message.tokenCount != null && t.conversation.tokens(message.tokenCount),
  ].filter(Boolean)
  return parts.length === 0 ? null : <footer>{parts.join(' · ')}</footer>
}

import { useSignal } from '@preact/signals'
import { Fragment } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { ApiError, type Chat, type Message, PATCH, body } from '../../api'
import { fragment, go, href, query } from '../../router'
import { base, may, org } from '../../session'
import { t } from '../../text'
import { day, dayKey } from '../../time'
import {
  Confirm,
  Dialog,
  Empty,
  Failure,
  Field,
  FormFooter,
  IconButton,
  Menu,
  Skeleton,
  Spinner,
  copy,
  fieldsOf,
  useSubmit,
} from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { asJson, asMarkdown, asText } from './copying'
import { Facts } from './facts'
import { MessageView } from './message'
import { type Place, useThread } from './thread'

/** As near to an edge as this, more is loaded. */
const near = 600

/** The first message that is not above the view, and where it is. */
function firstInView(scroller: HTMLElement): { id: string; top: number } | null {
  const all = scroller.querySelectorAll<HTMLElement>('article.message')
  const top = scroller.getBoundingClientRect().top
  let [from, to] = [0, all.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (all[middle]!.getBoundingClientRect().bottom > top) to = middle
    else from = middle + 1
  }
  const found = all[from]
  return found ? { id: found.id, top: found.getBoundingClientRect().top } : null
}

export function Conversation({ id }: { id: string }) {
  const target = fragment.value.startsWith('m-') ? fragment.value.slice(2) : null
  const place: Place = target ? { message: target } : 'end'
  const thread = useThread(id, place)
  const scroller = useRef<HTMLDivElement>(null)
  /** Where the chat is to open, until it has. */
  const placed = useRef<Place | null>(place)
  const isAtEnd = useRef(true)
  /** The first message in view and how far it is from the top, to keep the reader's place when others come or go before it. */
  const anchor = useRef<{ id: string; top: number } | null>(null)
  const editing = useSignal(false)
  const deleting = useSignal<'chat' | Message | null>(null)
  const showsFacts = useSignal(matchMedia('(min-width: 1200px)').matches)

  const messages = thread.messages.value
  const chat = thread.chat.value
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element || thread.loading.value) return
    const kept = anchor.current && document.getElementById(anchor.current.id)
    if (placed.current !== null) {
      const at = placed.current !== 'start' && placed.current !== 'end' && document.getElementById(`m-${placed.current.message}`)
      if (at) at.scrollIntoView({ block: 'center' })
      else element.scrollTop = placed.current === 'start' ? 0 : element.scrollHeight
      placed.current = null
    } else if (!kept || (isAtEnd.current && thread.newer.value === null)) element.scrollTop = element.scrollHeight
    else element.scrollTop += kept.getBoundingClientRect().top - anchor.current!.top
    if (isAtEnd.current) thread.fresh.value = 0
    edges()
  }, [messages, thread.loading.value])
  // A link to another message of the same chat.
  useEffect(() => {
    if (!target || thread.loading.value) return
    const at = document.getElementById(`m-${target}`)
    if (at) at.scrollIntoView({ block: 'center' })
    else open(place)
  }, [target])

  const edges = () => {
    const element = scroller.current
    if (!element) return
    const toEnd = element.scrollHeight - element.scrollTop - element.clientHeight
    isAtEnd.current = toEnd < 40 && thread.newer.value === null
    if (isAtEnd.current) thread.fresh.value = 0
    anchor.current = firstInView(element)
    if (thread.error.value) return
    if (element.scrollTop < near && thread.older.value) void thread.loadOlder()
    else if (toEnd < near && thread.newer.value) void thread.loadNewer()
  }
  const open = (at: Place) => {
    placed.current = at
    void thread.open(at)
  }
  /** To an end of the chat, which is no longer at the message of a link. */
  const to = (end: 'start' | 'end') => {
    isAtEnd.current = end === 'end'
    if (target) go(href([...base.value, 'chats', id], query.value), { replace: true })
    if (end === 'end' && thread.newer.value === null) scroller.current!.scrollTop = scroller.current!.scrollHeight
    else if (end === 'start' && thread.older.value === null) scroller.current!.scrollTop = 0
    else open(end)
  }

  const error = thread.error.value
  if (error && !chat)
    return (
      <div class="pane conversation">
        {error instanceof ApiError && error.status === 404 ? (
          <Empty icon="info" title={t.conversation.gone} heading="h1">
            <a href={href([...base.value, 'chats'], query.value)}>{t.back}</a>
          </Empty>
        ) : (
          <Failure error={error} retry={() => open(place)} />
        )}
      </div>
    )
  const copyAs = async (format: (chat: Chat, messages: Message[]) => string) => copy(format(chat!, await thread.all()))
  const calls = new Set(messages.flatMap(message => message.toolCalls?.map(call => call.id) ?? []))
  const results = new Map(messages.filter(message => message.toolCallId).map(message => [message.toolCallId!, message]))
  const shown = messages.filter(message => !(message.role === 'tool' && message.toolCallId && calls.has(message.toolCallId)))

  return (
    <>
      <section class="pane conversation" aria-label={chat ? (chat.title ?? t.conversation.untitled) : t.screens.chats}>
        <header class="toolbar">
          <a class="icon-button back" href={href([...base.value, 'chats'], query.value)} aria-label={t.back} title={t.back}>
            <Icon name="back" />
          </a>
          <h1 dir="auto">{chat ? (chat.title ?? chat.externalUserId ?? t.conversation.untitled) : ' '}</h1>
          {chat && (
            <>
              <Menu label={t.more} icon="more">
                <button type="button" onClick={() => to('start')}>
                  <Icon name="first" /> {t.conversation.toStart}
                </button>
                {may.write.value && (
                  <button type="button" onClick={() => (editing.value = true)}>
                    <Icon name="edit" /> {t.conversation.edit}
                  </button>
                )}
                <button type="button" onClick={() => void copyAs((_, all) => asText(all))}>
                  <Icon name="copy" /> {t.conversation.copyAs}: {t.conversation.asPlain}
                </button>
                <button type="button" onClick={() => void copyAs(asMarkdown)}>
                  <Icon name="copy" /> {t.conversation.copyAs}: {t.conversation.asMarkdown}
                </button>
                <button type="button" onClick={() => void copyAs(asJson)}>
                  <Icon name="copy" /> {t.conversation.copyAs}: {t.conversation.asJson}
                </button>
                <button type="button" onClick={() => print()}>
                  <Icon name="print" /> {t.conversation.print}
                </button>
                {may.write.value && (
                  <button type="button" class="danger" onClick={() => (deleting.value = 'chat')}>
                    <Icon name="trash" /> {t.conversation.delete}
                  </button>
                )}
              </Menu>
              <IconButton
                icon="info"
                label={showsFacts.value ? t.conversation.hideFacts : t.conversation.showFacts}
                aria-expanded={showsFacts.value}
                onClick={() => (showsFacts.value = !showsFacts.value)}
              />
            </>
          )}
        </header>
        {thread.loading.value && !chat ? (
          <Skeleton rows={5} kind="bubble" />
        ) : (
          <div class="scroll thread" ref={scroller} onScroll={edges} tabIndex={0} role="log" aria-label={t.screens.chats} aria-live="off">
            <div class="thread-start">
              {thread.older.value ? (
                <Spinner />
              ) : shown.length > 0 ? (
                <p class="muted">{t.conversation.start}</p>
              ) : (
                <Empty icon="chats" title={t.conversation.empty} />
              )}
            </div>
            {shown.map((message, at) => {
              const previous = shown[at - 1]
              return (
                <Fragment key={message.id}>
                  {(!previous || dayKey(previous.createdAt) !== dayKey(message.createdAt)) && (
                    <h2 class="day">
                      <span>{day(message.createdAt)}</span>
                    </h2>
                  )}
                  <MessageView
                    message={message}
                    results={results}
                    isTarget={message.id === target}
                    remove={() => (deleting.value = message)}
                  />
                </Fragment>
              )
            })}
            {thread.newer.value && <Spinner />}
            {error && <Failure error={error} retry={() => ((thread.error.value = null), edges())} />}
          </div>
        )}
        {(thread.fresh.value > 0 || thread.newer.value) && (
          <button type="button" class="fresh to-end" onClick={() => to('end')}>
            {thread.fresh.value > 0 ? t.conversation.newer(thread.fresh.value) : t.conversation.toEnd}
            <Icon name="down" size={12} />
          </button>
        )}
      </section>
      {chat && showsFacts.value && <Facts chat={chat} messages={messages} complete={!thread.older.value && !thread.newer.value} />}
      {chat && editing.value && (
        <Edit chat={chat} close={() => (editing.value = false)} changed={changed => (thread.chat.value = changed)} />
      )}
      {deleting.value === 'chat' ? (
        <Confirm
          title={t.conversation.deleteTitle}
          action={t.conversation.delete}
          close={() => (deleting.value = null)}
          run={async () => {
            await thread.deleteChat()
            go(href([...base.value, 'chats'], query.value), { replace: true })
          }}
        >
          <p>{t.conversation.deleteText}</p>
        </Confirm>
      ) : deleting.value ? (
        <Confirm
          title={t.conversation.deleteMessageTitle}
          action={t.conversation.deleteMessage}
          close={() => (deleting.value = null)}
          run={() => thread.deleteMessage((deleting.value as Message).id)}
        >
          <p>{t.conversation.deleteMessageText}</p>
        </Confirm>
      ) : null}
    </>
  )
}

function Edit({ chat, close, changed }: { chat: Chat; close: () => void; changed: (chat: Chat) => void }) {
  const title = useSignal(chat.title ?? '')
  const tags = useSignal(chat.tags.join(', '))
  const form = useSubmit(async () => {
    const list = tags.value
      .split(',')
      .map(tag => tag.trim())
      .filter(tag => tag !== '')
    changed(
      await body(
        PATCH('/orgs/{org}/chats/{chatId}', {
          params: { path: { org: org.value, chatId: chat.id } },
          body: { title: title.value.trim() || null, tags: list },
        }),
      ),
    )
    close()
  })
  const refused = fieldsOf(form.error.value)
  return (
    <Dialog title={t.conversation.edit} close={close}>
      <form onSubmit={form.submit}>
        <Field label={t.conversation.title} error={refused['title']}>
          {a => <input {...a} dir="auto" value={title.value} onInput={event => (title.value = event.currentTarget.value)} />}
        </Field>
        <Field label={t.conversation.tags} hint={t.conversation.tagsHint} error={refused['tags']}>
          {a => <input {...a} dir="auto" value={tags.value} onInput={event => (tags.value = event.currentTarget.value)} />}
        </Field>
        <FormFooter form={form} action={t.save} close={close} />
      </form>
    </Dialog>
  )
}

import { batch, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type ChatRow, GET, body } from '../../api'
import { useCommands } from '../../keyboard'
import { onLive } from '../../live'
import { brief, count } from '../../numbers'
import { go, href, query, setQuery } from '../../router'
import { base, org } from '../../session'
import { t } from '../../text'
import { Ago, Button, Empty, Failure, IconButton, Skeleton, Spinner, Tag } from '../../ui/basics'
import { Highlight } from '../../ui/highlight'
import { Icon } from '../../ui/icons'
import { useHealing } from '../../ui/resource'
import { VirtualList } from '../../ui/virtual-list'
import { FilterChips, FilterDialog, filters } from './filters'

// The page that the service sends names the first request, with this limit.
const pageSize = 50
/** So many pages without a chat are asked for in a row, before the reader is asked whether to go on. */
const emptyPages = 5

const load = (cursor: string | null, signal?: AbortSignal) =>
  body(
    GET('/orgs/{org}/chats', {
      params: { path: { org: org.value }, query: { ...filters(), limit: pageSize, ...(cursor && { cursor }) } },
      ...(signal && { signal }),
    }),
  )

const keyOf = () => JSON.stringify([org.value, filters()])

type Page = Awaited<ReturnType<typeof load>>

/** The first page, asked for before there is a list to show it, and the page itself once it has arrived. */
let early: { key: string; page: Promise<Page>; arrived?: Page } | null = null

/** Asks for the first page; the promise ends when it is there or cannot be had. */
export function loadEarly(): Promise<void> {
  const mine: NonNullable<typeof early> = (early = { key: keyOf(), page: load(null) })
  // Who takes it is told of a failure.
  return mine.page.then(
    page => void (mine.arrived = page),
    () => {},
  )
}

/** The first page if it is there already and has rows, which the list then begins with. */
function takeArrived(key: string): Page | null {
  const page = early?.key === key ? early.arrived : undefined
  if (!page || page.items.length === 0) return null
  early = null
  return page
}

function takeEarly(key: string) {
  const page = early?.key === key ? early.page : null
  early = null
  return page
}

function useChats(none: () => void) {
  const key = keyOf()
  const begun = useRef<{ key: string; page: Page | null } | null>(null)
  begun.current ??= { key, page: takeArrived(key) }
  const rows = useSignal<ChatRow[]>(begun.current.page?.items ?? [])
  const cursor = useSignal<string | null>(begun.current.page?.nextCursor ?? null)
  const state = useSignal<'loading' | 'more' | 'idle' | 'paused'>(begun.current.page ? 'idle' : 'loading')
  const error = useSignal<Error | null>(null)
  const fresh = useSignal<ChatRow[]>([])
  const running = useRef<AbortController | null>(null)

  const fetchFrom = async (start: string | null) => {
    running.current?.abort()
    const controller = (running.current = new AbortController())
    batch(() => {
      state.value = start === null ? 'loading' : 'more'
      error.value = null
    })
    try {
      let next: string | null = start
      for (let empty = 0; ; empty++) {
        const page = await ((next === null && takeEarly(key)) || load(next, controller.signal))
        if (controller.signal.aborted) return
        next = page.nextCursor ?? null
        if (page.items.length === 0 && next !== null && empty < emptyPages) continue
        batch(() => {
          rows.value = start === null ? page.items : [...rows.value, ...page.items]
          if (start === null) fresh.value = []
          cursor.value = next
          state.value = page.items.length === 0 && next !== null ? 'paused' : 'idle'
        })
        if (start === null && page.items.length === 0 && next === null && query.value.size === 0) none()
        return
      }
    } catch (reason) {
      if (controller.signal.aborted) return
      batch(() => {
        error.value = reason as Error
        state.value = 'idle'
      })
    }
  }
  useEffect(() => {
    const isThere = begun.current?.key === key && begun.current.page !== null
    begun.current = { key, page: null }
    if (!isThere) {
      rows.value = []
      void fetchFrom(null)
    }
    return () => running.current?.abort()
  }, [key])

  // What is new is announced; what is shown is brought up to date where it stands.
  useEffect(
    () =>
      onLive(async events => {
        const gone = new Set(events.filter(event => event.kind === 'chat.deleted').map(event => event.chatId))
        if (gone.size > 0) rows.value = rows.value.filter(row => !gone.has(row.id))
        if (state.value === 'loading') return
        const page = await load(null).catch(() => null)
        if (!page) return
        const news = new Map(page.items.map(row => [row.id, row]))
        const first = rows.value[0]
        batch(() => {
          rows.value = rows.value.map(row => news.get(row.id) ?? row)
          const known = new Set(rows.value.map(row => row.id))
          fresh.value = page.items.filter(row => !known.has(row.id) && (!first || row.createdAt >= first.createdAt))
        })
      }),
    [key],
  )

  const retry = () => void fetchFrom(rows.value.length === 0 ? null : cursor.value)
  useHealing(error, retry)

  return {
    rows,
    state,
    error,
    fresh,
    cursor,
    more: () => {
      if (state.value === 'idle' && cursor.value !== null && !error.value) void fetchFrom(cursor.value)
    },
    goOn: () => void fetchFrom(cursor.value),
    retry,
    restart: () => void fetchFrom(null),
  }
}

export function ChatList({ open, none }: { open: string | undefined; none: () => void }) {
  const list = useChats(none)
  const cursor = useSignal(-1)
  const filtering = useSignal(false)
  const search = useRef<HTMLInputElement>(null)
  const typed = useSignal(query.value.get('q') ?? '')
  const q = query.value.get('q') ?? ''
  useEffect(() => {
    if (document.activeElement !== search.current) typed.value = q
  }, [q])
  useEffect(() => {
    const timer = setTimeout(() => {
      if (typed.value.trim() !== (query.value.get('q') ?? '')) setQuery({ q: typed.value.trim() }, { replace: true })
    }, 300)
    return () => clearTimeout(timer)
  }, [typed.value])
  const at = list.rows.value.findIndex(row => row.id === open)
  useEffect(() => {
    if (at >= 0) cursor.value = at
  }, [at])

  const to = (row: ChatRow) => href([...base.value, 'chats', row.id], query.value, row.messageId ? `m-${row.messageId}` : undefined)
  const move = (by: number) => {
    if (list.rows.value.length > 0) cursor.value = Math.max(0, Math.min(list.rows.value.length - 1, cursor.value + by))
  }
  useCommands({
    '/': () => search.current?.select(),
    j: () => move(1),
    k: () => move(-1),
    Enter: event => {
      const target = event.target as HTMLElement
      if (target.closest('a, button, summary')) return target.click()
      const row = list.rows.value[cursor.value]
      if (row) go(to(row))
    },
    Escape: () => {
      if (open) go(href([...base.value, 'chats'], query.value))
      else if (query.value.size > 0) go(href([...base.value, 'chats']))
    },
  })

  const isFiltered = query.value.size > 0
  const state = list.state.value
  return (
    <section class="pane list" aria-label={t.chats.list}>
      {!open && <h1 class="visually-hidden">{t.chats.list}</h1>}
      <div class="toolbar">
        <div class="search">
          <Icon name="search" />
          <input
            ref={search}
            type="search"
            aria-label={t.chats.search}
            placeholder={t.chats.search}
            title={t.chats.searchHint}
            maxLength={256}
            value={typed.value}
            onInput={event => (typed.value = event.currentTarget.value)}
          />
          <kbd aria-hidden="true">/</kbd>
        </div>
        <IconButton icon="filter" label={t.chats.filters} onClick={() => (filtering.value = true)} />
      </div>
      <FilterChips />
      {list.fresh.value.length > 0 && (
        <button type="button" class="fresh" onClick={list.restart}>
          {t.chats.fresh(list.fresh.value.length)}
        </button>
      )}
      {state === 'loading' && list.rows.value.length === 0 ? (
        <Skeleton rows={8} kind="row" />
      ) : (
        <VirtualList
          items={list.rows.value}
          rowHeight={5.25}
          label={t.chats.list}
          end={list.more}
          scrollTo={cursor.value}
          row={(row, index) => <Row row={row} q={q} href={to(row)} isOpen={row.id === open} isAtCursor={index === cursor.value} />}
        >
          <div class="list-end" aria-live="polite">
            {list.error.value ? (
              <Failure error={list.error.value} retry={list.retry} />
            ) : state === 'more' ? (
              <Spinner />
            ) : state === 'paused' ? (
              <p>
                {t.chats.partial} <Button onClick={list.goOn}>{t.chats.goOn}</Button>
              </p>
            ) : list.rows.value.length === 0 && isFiltered ? (
              <Empty icon="search" title={t.chats.nothing}>
                <p>{t.chats.nothingHint}</p>
                <Button onClick={() => ((typed.value = ''), go(href([...base.value, 'chats'])))}>{t.chats.clear}</Button>
              </Empty>
            ) : list.cursor.value === null && list.rows.value.length > pageSize ? (
              <p>{t.chats.end}</p>
            ) : null}
          </div>
        </VirtualList>
      )}
      {filtering.value && <FilterDialog close={() => (filtering.value = false)} />}
    </section>
  )
}

function Row({ row, q, href, isOpen, isAtCursor }: { row: ChatRow; q: string; href: string; isOpen: boolean; isAtCursor: boolean }) {
  const title = row.title || row.preview
  const text = row.snippet ?? (row.title ? row.preview : null)
  return (
    <a class={`chat-row ${isAtCursor ? 'at-cursor' : ''}`} href={href} aria-current={isOpen ? 'true' : undefined}>
      <span class="first">
        <strong dir="auto" class={row.title ? '' : 'untitled'}>
          {title ? <Highlight text={title} q={q} /> : t.chats.untitled}
        </strong>
        <Ago at={row.lastMessageAt ?? row.createdAt} />
      </span>
      <span class="second" dir="auto">
        {text && <Highlight text={text} q={q} />}
      </span>
      <span class="third">
        <span title={t.chats.messages(row.messageCount)}>
          <Icon name="chats" size={12} /> {brief(row.messageCount)}
          <span class="visually-hidden"> {t.chats.messages(row.messageCount)}</span>
        </span>
        {row.feedback && (
          <span class={`rating ${row.feedback.rating}`} title={t.conversation.chatRated[row.feedback.rating]}>
            <Icon name={row.feedback.rating === 'up' ? 'up' : 'downvote'} size={12} />
            <span class="visually-hidden">{t.conversation.chatRated[row.feedback.rating]}</span>
          </span>
        )}
        {row.externalUserId && (
          <span class="end-user" dir="auto">
            <Icon name="user" size={12} /> <Highlight text={row.externalUserId} q={q} />
          </span>
        )}
        <span class="tags">
          {row.tags.slice(0, 3).map(tag => (
            <Tag key={tag}>{tag}</Tag>
          ))}
          {row.tags.length > 3 && <span>+{count(row.tags.length - 3)}</span>}
        </span>
      </span>
    </a>
  )
}

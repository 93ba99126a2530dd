import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { type Conversations, GET, type Summary, body } from '../../api'
import { useCommands } from '../../keyboard'
import { brief, change, count, decimal, duration, money, percent } from '../../numbers'
import { go, href, query, setQuery } from '../../router'
import { base, org } from '../../session'
import { t } from '../../text'
import { addDays, dayKey, zone } from '../../time'
import { Ago, Button, Failure, Field, Skeleton } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { useResource } from '../../ui/resource'
import { Chart, ofDay } from './chart'
import { before, range } from './range'

const chats = (filters: URLSearchParams) => href([...base.value, 'chats'], filters)

export default function Overview() {
  const shown = range()
  const tags = query.value.getAll('tag')
  const isCompared = query.value.get('compare') === '1'
  const model = query.value.get('model')
  const parameters = { tz: zone.value, ...(tags.length > 0 && { tag: tags }) }
  const ofModel = model === null ? {} : { model }
  const previous = before(shown)
  const key = JSON.stringify([org.value, shown, parameters, model, isCompared])
  const path = { org: org.value }
  const summary = useResource(key, signal =>
    body(
      GET('/analytics/orgs/{org}/summary', {
        params: { path, query: { ...parameters, ...ofModel, from: shown.from, to: shown.to, top: 10 } },
        signal,
      }),
    ),
  )
  const conversations = useResource(key, signal =>
    body(
      GET('/analytics/orgs/{org}/conversations', { params: { path, query: { ...parameters, from: shown.from, to: shown.to } }, signal }),
    ),
  )
  const earlier = useResource(key, signal =>
    isCompared
      ? body(GET('/analytics/orgs/{org}/summary', { params: { path, query: { ...parameters, ...ofModel, ...previous } }, signal }))
      : Promise.resolve(null),
  )
  useCommands({ x: () => setQuery({ compare: isCompared ? null : '1' }, { replace: true }) })

  return (
    <div class="page overview">
      <header>
        <h1>{t.screens.overview}</h1>
        <Ranges />
        <label class="check">
          <input type="checkbox" checked={isCompared} onChange={() => setQuery({ compare: isCompared ? null : '1' }, { replace: true })} />
          <span>{t.keys.compare}</span>
          <kbd aria-hidden="true">x</kbd>
        </label>
        {tags.map(tag => (
          <button key={tag} type="button" class="button" onClick={() => setQuery({ tag: tags.filter(other => other !== tag) })}>
            <span class="visually-hidden">{t.chats.remove} </span>
            <span dir="auto">{tag}</span> <Icon name="close" size={12} />
          </button>
        ))}
        {model !== null && (
          <button type="button" class="button" onClick={() => setQuery({ model: null })}>
            <span class="visually-hidden">{t.chats.remove} </span>
            <span dir="auto">{model}</span> <Icon name="close" size={12} />
          </button>
        )}
      </header>
      {summary.error.value ? (
        <Failure error={summary.error.value} retry={summary.reload} />
      ) : !summary.data.value ? (
        <Skeleton rows={6} kind="row" />
      ) : (
        <div class={`overview-content ${summary.loading.value ? 'stale' : ''}`} aria-busy={summary.loading.value}>
          <Numbers summary={summary.data.value} conversations={conversations.data.value} />
          <Charts
            summary={summary.data.value}
            earlier={earlier.data.value}
            conversations={conversations.data.value}
            failure={conversations.error.value && <Failure error={conversations.error.value} retry={conversations.reload} />}
          />
          <div class="columns tables">
            <TopUsers summary={summary.data.value} />
            <Tags summary={summary.data.value} />
            <Models summary={summary.data.value} />
            <Roles summary={summary.data.value} />
          </div>
        </div>
      )}
    </div>
  )
}

function Ranges() {
  const shown = range()
  const custom = useSignal(shown.days === null)
  const apply = (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const [from, until] = [String(form.get('from')), String(form.get('until'))]
    if (from && until && from <= until) setQuery({ from, to: addDays(until, 1), days: null })
  }
  return (
    <>
      <fieldset class="choice">
        <legend class="visually-hidden">{t.chats.filter.range}</legend>
        {[1, 7, 30, 90].map(days => (
          <label key={days}>
            <input
              type="radio"
              name="range"
              checked={!custom.value && shown.days === days}
              onChange={() => ((custom.value = false), setQuery({ days: String(days), from: null, to: null }))}
            />
            <span>{t.chats.filter.ranges[days]}</span>
          </label>
        ))}
        <label>
          <input type="radio" name="range" checked={custom.value} onChange={() => (custom.value = true)} />
          <span>{t.overview.custom}</span>
        </label>
      </fieldset>
      {custom.value && (
        <form class="range" onSubmit={apply}>
          <Field label={t.chats.filter.from}>{a => <input {...a} name="from" type="date" required defaultValue={shown.from} />}</Field>
          <Field label={t.overview.until}>
            {a => <input {...a} name="until" type="date" required max={dayKey(Date.now())} defaultValue={addDays(shown.to, -1)} />}
          </Field>
          <Button type="submit">{t.chats.filter.apply}</Button>
        </form>
      )}
    </>
  )
}

function Card({
  label,
  value,
  now,
  then,
  lessIsBetter,
  to,
}: {
  label: string
  value: string
  now?: number
  then?: number
  lessIsBetter?: boolean
  to?: string
}) {
  const by = now !== undefined && then ? (now - then) / then : null
  const content = (
    <>
      <span class="label">{label}</span>
      <strong>{value}</strong>
      {by !== null && (
        <span class={`change ${by === 0 ? '' : by > 0 !== !!lessIsBetter ? 'better' : 'worse'}`} title={t.overview.before(count(then!))}>
          {by === 0 ? '' : by > 0 ? '▲ ' : '▼ '}
          {change(by)}
        </span>
      )}
      {by === null && then === 0 && now! > 0 && <span class="change">{t.overview.nothingBefore}</span>}
    </>
  )
  return to ? (
    <a class="card-box number-card" href={to}>
      {content}
    </a>
  ) : (
    <div class="card-box number-card">{content}</div>
  )
}

function Numbers({ summary: { totals, previous, latency }, conversations }: { summary: Summary; conversations: Conversations | null }) {
  const shown = range()
  const filters = (more: Record<string, string>) => {
    const search = new URLSearchParams({ from: shown.from, to: shown.to, ...more })
    for (const tag of query.value.getAll('tag')) search.append('tag', tag)
    const model = query.value.get('model')
    if (model !== null) search.set('model', model)
    return chats(search)
  }
  const rated = totals.feedbackUp + totals.feedbackDown
  return (
    <div class="number-cards">
      <Card label={t.overview.chats} value={brief(totals.chats)} now={totals.chats} then={previous.chats} to={filters({})} />
      <Card label={t.overview.messages} value={brief(totals.messages)} now={totals.messages} then={previous.messages} />
      <Card label={t.overview.endUsers} value={brief(totals.endUsers)} now={totals.endUsers} then={previous.endUsers} />
      <Card
        label={t.overview.perChat}
        value={conversations?.totals.messagesPerChat ? decimal(conversations.totals.messagesPerChat.avg) : '–'}
      />
      <Card label={t.overview.tokens} value={brief(totals.tokens)} now={totals.tokens} then={previous.tokens} />
      {totals.cost !== null && (
        <Card label={t.overview.cost} value={money(totals.cost)} now={totals.cost} then={previous.cost ?? 0} lessIsBetter />
      )}
      <Card label={t.overview.latency} value={latency ? duration(latency.p50Ms) : '–'} />
      <Card
        label={t.overview.firstAnswer}
        value={conversations?.totals.firstAssistant ? duration(conversations.totals.firstAssistant.p50Ms) : '–'}
      />
      <Card label={t.overview.ratedUp} value={rated === 0 ? '–' : percent(totals.feedbackUp / rated)} to={filters({ rating: 'up' })} />
      <Card
        label={t.overview.ratedDown}
        value={brief(totals.feedbackDown)}
        now={totals.feedbackDown}
        then={previous.feedbackDown}
        lessIsBetter
        to={filters({ rating: 'down' })}
      />
      {conversations && (
        <Card label={t.overview.unanswered} value={brief(conversations.totals.withoutAssistant)} to={filters({ unanswered: 'true' })} />
      )}
    </div>
  )
}

function Charts({
  summary,
  earlier,
  conversations,
  failure,
}: {
  summary: Summary
  earlier: Summary | null
  conversations: Conversations | null
  failure: ComponentChildren
}) {
  const days = summary.days.map(day => day.day)
  const open = (day: string) => go(chats(ofDay(day)))
  const old = (value: (day: Summary['days'][number]) => number | null) =>
    earlier
      ? [{ label: t.overview.timeBefore, isBefore: true, values: days.map((_, at) => (earlier.days[at] ? value(earlier.days[at]) : null)) }]
      : []
  return (
    <div class="charts">
      <Chart
        title={t.overview.messagesADay}
        bars
        days={days}
        format={brief}
        open={open}
        series={[{ label: t.overview.messages, values: summary.days.map(day => day.messages) }, ...old(day => day.messages)]}
      />
      <Chart
        title={t.overview.chatsADay}
        bars
        days={days}
        format={brief}
        open={open}
        series={[{ label: t.overview.chats, values: summary.days.map(day => day.chats) }, ...old(day => day.chats)]}
      />
      <Chart
        title={t.overview.latencyADay}
        days={days}
        format={duration}
        open={open}
        series={[
          { label: 'p50', values: summary.days.map(day => day.latency?.p50Ms ?? null) },
          { label: 'p95', isSecond: true, values: summary.days.map(day => day.latency?.p95Ms ?? null) },
          ...old(day => day.latency?.p50Ms ?? null),
        ]}
      />
      {failure ??
        (conversations ? (
          <>
            <Chart
              title={t.overview.firstAnswerADay}
              days={conversations.days.map(day => day.day)}
              format={duration}
              open={open}
              series={[
                { label: 'p50', values: conversations.days.map(day => day.firstAssistant?.p50Ms ?? null) },
                { label: 'p90', isSecond: true, values: conversations.days.map(day => day.firstAssistant?.p90Ms ?? null) },
              ]}
            />
            <HeatMap conversations={conversations} />
          </>
        ) : (
          <Skeleton rows={3} kind="row" />
        ))}
    </div>
  )
}

const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'short', timeZone: 'UTC' })
// 1 January 2024 was a Monday.
const weekdayName = (day: number) => weekday.format(new Date(Date.UTC(2024, 0, day)))

function HeatMap({ conversations }: { conversations: Conversations }) {
  const most = Math.max(1, ...conversations.weekdays.flatMap(day => day.hours))
  return (
    <section class="card-box heat" aria-label={t.overview.heatMap}>
      <header>
        <h2>{t.overview.heatMap}</h2>
      </header>
      <div class="table-scroll" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <td />
              {Array.from({ length: 24 }, (_, hour) => (
                <th key={hour} scope="col">
                  {hour % 3 === 0 ? hour : <span class="visually-hidden">{hour}</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {conversations.weekdays.map(day => (
              <tr key={day.day}>
                <th scope="row">{weekdayName(day.day)}</th>
                {day.hours.map((messages, hour) => (
                  <td
                    key={hour}
                    class={`heat-${Math.ceil((messages / most) * 5)}`}
                    title={`${weekdayName(day.day)} ${hour}:00 · ${t.chats.messages(messages)}`}
                  >
                    <span class="visually-hidden">{count(messages)}</span>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Ranking({
  title,
  rows,
  total,
}: {
  title: string
  rows: { key: string; label: ComponentChildren; value: number; note?: ComponentChildren }[]
  total: number
}) {
  const most = Math.max(1, total)
  return (
    <section class="card-box ranking" aria-label={title}>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p class="muted">{t.overview.nothing}</p>
      ) : (
        <ol>
          {rows.map(row => (
            <li key={row.key}>
              <span class="bar">
                <svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(100 * row.value) / most} height="1" />
                </svg>
                <span class="bar-label" dir="auto">
                  {row.label}
                </span>
              </span>
              {row.note && <span class="muted">{row.note}</span>}
              <b>{brief(row.value)}</b>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

function TopUsers({ summary }: { summary: Summary }) {
  const shown = range()
  const to = (more: Record<string, string>) => chats(new URLSearchParams({ from: shown.from, to: shown.to, ...more }))
  return (
    <Ranking
      title={t.overview.topUsers}
      total={summary.topUsers[0]?.messages ?? 0}
      rows={summary.topUsers.map(user => ({
        key: user.externalUserId ?? user.userId ?? '',
        label: (
          <a href={to(user.externalUserId != null ? { externalUserId: user.externalUserId } : { userId: user.userId! })}>
            {user.externalUserId ?? user.userId}
          </a>
        ),
        note: <Ago at={user.lastSeenAt} />,
        value: user.messages,
      }))}
    />
  )
}

const Tags = ({ summary }: { summary: Summary }) => (
  <Ranking
    title={t.overview.tags}
    total={summary.tags[0]?.chats ?? 0}
    rows={summary.tags.slice(0, 10).map(tag => ({
      key: tag.tag,
      label: (
        <button type="button" class="as-link" onClick={() => setQuery({ tag: [...new Set([...query.value.getAll('tag'), tag.tag])] })}>
          {tag.tag}
        </button>
      ),
      value: tag.chats,
    }))}
  />
)

const Models = ({ summary }: { summary: Summary }) => (
  <Ranking
    title={t.overview.models}
    total={summary.models[0]?.messages ?? 0}
    rows={summary.models.slice(0, 10).map(each => ({
      key: each.model,
      label: (
        <button type="button" class="as-link" onClick={() => setQuery({ model: each.model })}>
          {each.model}
        </button>
      ),
      note: summary.totals.cost !== null && (each.cost === null ? t.overview.noPrice : money(each.cost)),
      value: each.messages,
    }))}
  />
)

const Roles = ({ summary }: { summary: Summary }) => (
  <Ranking
    title={t.overview.roles}
    total={summary.totals.messages}
    rows={summary.roles.map(each => ({ key: each.role, label: t.conversation.roles[each.role], value: each.messages }))}
  />
)

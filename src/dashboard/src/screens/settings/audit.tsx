import { GET, type AuditEvent, body } from '../../api'
import { query, setQuery } from '../../router'
import { org } from '../../session'
import { t } from '../../text'
import { addDays, full, short } from '../../time'
import { CopyButton, Empty, Field } from '../../ui/basics'
import { PagesEnd, usePages } from '../../ui/pages'
import { useResource } from '../../ui/resource'
import { Table } from '../../ui/table'

const actions = Object.keys(t.audit) as AuditEvent['action'][]

export function Audit() {
  const filter = {
    action: (query.value.get('action') || undefined) as AuditEvent['action'] | undefined,
    actor: query.value.get('actor') || undefined,
    from: query.value.get('from') || undefined,
    to: query.value.get('to') || undefined,
  }
  const chosen = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
  const pages = usePages(JSON.stringify([org.value, chosen]), (cursor, signal) =>
    body(
      GET('/orgs/{org}/audit', {
        params: { path: { org: org.value }, query: { limit: 100, ...chosen, ...(cursor && { cursor }) } },
        signal,
      }),
    ),
  )
  const rows = pages.items.value ?? []
  const names = useNames()
  return (
    <>
      <div class="columns">
        <Field label={t.auditSettings.action}>
          {a => (
            <select {...a} value={filter.action ?? ''} onChange={event => setQuery({ action: event.currentTarget.value })}>
              <option value="">{t.all}</option>
              {actions.map(action => (
                <option key={action} value={action}>
                  {t.audit[action]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={t.auditSettings.actor}>
          {a => <input {...a} value={filter.actor ?? ''} onChange={event => setQuery({ actor: event.currentTarget.value.trim() })} />}
        </Field>
        <Field label={t.chats.filter.from}>
          {a => <input {...a} type="date" value={filter.from ?? ''} onChange={event => setQuery({ from: event.currentTarget.value })} />}
        </Field>
        <Field label={t.overview.until}>
          {a => (
            <input
              {...a}
              type="date"
              value={filter.to ? addDays(filter.to, -1) : ''}
              onChange={event => setQuery({ to: event.currentTarget.value && addDays(event.currentTarget.value, 1) })}
            />
          )}
        </Field>
      </div>
      {pages.items.value && rows.length === 0 && <Empty icon="log" title={t.auditSettings.none} />}
      {rows.length > 0 && (
        <Table
          rows={rows}
          columns={[
            {
              title: t.auditSettings.at,
              cell: event => (
                <time dateTime={event.at} title={full(event.at)}>
                  {short(event.at)}
                </time>
              ),
            },
            { title: t.auditSettings.action, cell: event => t.audit[event.action] },
            { title: t.auditSettings.actor, cell: event => <Party party={event.actor} names={names} pick /> },
            { title: t.auditSettings.target, cell: event => <Party party={event.target} names={names} /> },
            {
              title: t.auditSettings.trace,
              cell: event => event.traceId && <CopyButton kind="quiet" text={event.traceId} label={event.traceId.slice(0, 8)} />,
            },
          ]}
        />
      )}
      <PagesEnd pages={pages} />
    </>
  )
}

/** The names of members and keys by their ids. Those that are removed, or beyond the first pages, stay ids. */
function useNames(): Map<string, string> {
  const first = { path: { org: org.value }, query: { limit: 200 } }
  const members = useResource(org.value, signal => body(GET('/orgs/{org}/users', { params: first, signal })))
  const keys = useResource(org.value, signal => body(GET('/orgs/{org}/apikeys', { params: first, signal })))
  return new Map([
    ...(members.data.value?.items ?? []).map(each => [each.id, each.name ?? each.email] as const),
    ...(keys.data.value?.items ?? []).map(each => [each.publicId, each.label] as const),
  ])
}

function Party({ party: { type, id }, names, pick }: { party: AuditEvent['actor']; names: Map<string, string>; pick?: boolean }) {
  const name = id && names.get(id)
  const shown = name ? <bdi title={id}>{name}</bdi> : id && <code title={id}>{id.length > 20 ? `…${id.slice(-12)}` : id}</code>
  const text = (
    <>
      {t.auditSettings.parties[type]} {shown}
    </>
  )
  return pick && id ? (
    <button type="button" class="as-link" onClick={() => setQuery({ actor: id })}>
      {text}
    </button>
  ) : (
    <span>{text}</span>
  )
}

import { DELETE, GET, body } from '../../api'
import { t } from '../../text'
import { Ago, Button, Failure, useSubmit } from '../../ui/basics'
import { PagesEnd, usePages } from '../../ui/pages'
import { Table } from '../../ui/table'

/** The browser and the system that a user agent names, as far as people know them. */
function browser(agent: string | null | undefined): string {
  if (!agent) return t.profileSettings.unknownBrowser
  const name = /Edg\//.test(agent)
    ? 'Edge'
    : /OPR\//.test(agent)
      ? 'Opera'
      : /Firefox\//.test(agent)
        ? 'Firefox'
        : /Chrome\//.test(agent)
          ? 'Chrome'
          : /Safari\//.test(agent)
            ? 'Safari'
            : null
  const system = /Windows/.test(agent)
    ? 'Windows'
    : /Android/.test(agent)
      ? 'Android'
      : /iPhone|iPad/.test(agent)
        ? 'iOS'
        : /Mac OS X/.test(agent)
          ? 'macOS'
          : /Linux/.test(agent)
            ? 'Linux'
            : null
  return name ? (system ? `${name}, ${system}` : name) : agent.split(' ')[0]!
}

export function Sessions() {
  const pages = usePages('', (cursor, signal) =>
    body(GET('/users/me/sessions', { params: { query: { limit: 100, ...(cursor && { cursor }) } }, signal })),
  )
  const rows = pages.items.value ?? []
  return (
    <section class="card-box">
      <h2>{t.profileSettings.sessions}</h2>
      {rows.length > 0 && (
        <Table
          isInBox
          rows={rows}
          columns={[
            {
              title: t.profileSettings.browser,
              isName: true,
              cell: session => (
                <span title={session.userAgent ?? undefined}>
                  {browser(session.userAgent)} {session.current && <span class="state active">{t.profileSettings.thisOne}</span>}
                </span>
              ),
            },
            { title: t.profileSettings.place, cell: session => session.address ?? '–' },
            { title: t.keysSettings.lastUsed, cell: session => <Ago at={session.lastUsedAt ?? session.createdAt} /> },
            { title: t.profileSettings.begun, cell: session => <Ago at={session.createdAt} /> },
          ]}
          actions={session => !session.current && <End id={session.id} ended={pages.reload} />}
        />
      )}
      <PagesEnd pages={pages} />
    </section>
  )
}

function End({ id, ended }: { id: string; ended: () => Promise<void> }) {
  const form = useSubmit(async () => {
    await body(DELETE('/users/me/sessions/{sessionId}', { params: { path: { sessionId: id } } }))
    await ended()
  })
  return (
    <form onSubmit={form.submit}>
      <Button type="submit" busy={form.busy.value}>
        {t.profileSettings.end}
      </Button>
      {form.error.value && <Failure error={form.error.value} />}
    </form>
  )
}

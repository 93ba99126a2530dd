import { DELETE, GET, body } from '../../api'
import { t } from '../../text'
import { Ago, Button, Failure, useSubmit } from '../../ui/basics'
import { PagesEnd, usePages } from '../../ui/pages'

/** The browser and the system that a user agent names, as far as people know them. */
function browser(agent: string | null | undefined): string {
  if (!agent) return t.profileSettings.unknownBrowser
  const name =
    /Edg\//.test(agent) ? 'Edge' : /OPR\//.test(agent) ? 'Opera' : /Firefox\//.test(agent) ? 'Firefox' : /Chrome\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : null
  const system =
    /Windows/.test(agent) ? 'Windows' : /Android/.test(agent) ? 'Android' : /iPhone|iPad/.test(agent) ? 'iOS' : /Mac OS X/.test(agent) ? 'macOS' : /Linux/.test(agent) ? 'Linux' : null
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
        <div class="table-scroll" tabIndex={0}>
          <table class="wide-table">
            <thead>
              <tr>
                <th scope="col">{t.profileSettings.browser}</th>
                <th scope="col">{t.profileSettings.place}</th>
                <th scope="col">{t.keysSettings.lastUsed}</th>
                <th scope="col">{t.profileSettings.begun}</th>
                <th scope="col">
                  <span class="visually-hidden">{t.more}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(session => (
                <tr key={session.id}>
                  <td title={session.userAgent ?? undefined}>
                    {browser(session.userAgent)} {session.current && <span class="state active">{t.profileSettings.thisOne}</span>}
                  </td>
                  <td>{session.address ?? '–'}</td>
                  <td>
                    <Ago at={session.lastUsedAt ?? session.createdAt} />
                  </td>
                  <td>
                    <Ago at={session.createdAt} />
                  </td>
                  <td>{!session.current && <End id={session.id} ended={pages.reload} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
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

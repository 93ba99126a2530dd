import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Erasure, GET, POST, type Profile, body, service } from '../../api'
import { org } from '../../session'
import { t } from '../../text'
import { Ago, Button, Confirm, CopyButton, Field, fieldsOf, useSubmit } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { PagesEnd, usePages } from '../../ui/pages'
import { useResource } from '../../ui/resource'
import { Table } from '../../ui/table'

type Subject = { externalUserId: string } | { userId: string }

const s = t.privacySettings
const listed = 30 * 86_400_000

/** Erases an end user or a member, and lists what has been erased. */
export function Erasures() {
  const pages = usePages(org.value, (cursor, signal) =>
    body(GET('/orgs/{org}/erasures', { params: { path: { org: org.value }, query: { limit: 20, ...(cursor && { cursor }) } }, signal })),
  )
  const rows = pages.items.value ?? []
  const isRunning = rows.some(each => each.state !== 'done')
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(() => {
      if (!document.hidden) void pages.reload()
    }, 2000)
    return () => clearInterval(timer)
  }, [isRunning])
  return (
    <>
      <Erase done={() => pages.reload()} />
      <section>
        <h2>{s.erasures}</h2>
        <p class="muted">{s.erasuresHint}</p>
        {pages.items.value?.length === 0 && <p>{s.noErasures}</p>}
        {rows.length > 0 && (
          <Table
            rows={rows}
            columns={[
              { title: s.subject, isName: true, cell: each => <Code text={each.subject} /> },
              { title: s.erasureState, cell: each => <span class={`state ${each.state}`}>{s.erasureStates[each.state]}</span> },
              { title: s.removed, cell: each => s.counts(each) },
              { title: s.began, cell: each => (each.startedAt ? <Ago at={each.startedAt} /> : '') },
              { title: s.receipt, cell: each => each.receipt && <Code text={each.receipt} /> },
            ]}
            actions={each =>
              hasList(each) && (
                <a
                  class="button quiet"
                  href={`${service}/orgs/${encodeURIComponent(org.value)}/erasures/${each.id}/ids`}
                  download
                >
                  <Icon name="exports" /> {s.ids}
                </a>
              )
            }
          />
        )}
        <PagesEnd pages={pages} />
      </section>
    </>
  )
}

const hasList = (each: Erasure) => each.finishedAt != null && Date.now() - Date.parse(each.finishedAt) < listed

const Code = ({ text }: { text: string }) => (
  <>
    <code title={text}>{text.slice(0, 12)}…</code>
    <CopyButton kind="quiet" text={text} label={t.copy} />
  </>
)

function Erase({ done }: { done: () => Promise<unknown> }) {
  const isMember = useSignal(false)
  const name = useSignal('')
  const userId = useSignal('')
  const confirming = useSignal<{ subject: Subject; whom: string } | null>(null)
  const members = useResource(org.value, signal =>
    body(GET('/orgs/{org}/users', { params: { path: { org: org.value }, query: { limit: 200 } }, signal })),
  )
  const nameOf = (member: Profile) => member.name ?? member.email
  const form = useSubmit(async () => {
    const member = members.data.value?.items.find(each => each.id === userId.value)
    confirming.value = isMember.value
      ? { subject: { userId: userId.value }, whom: member ? nameOf(member) : userId.value }
      : { subject: { externalUserId: name.value }, whom: name.value }
  })
  return (
    <>
      <form class="card-box settings-form" onSubmit={form.submit}>
        <h2>{s.erasure}</h2>
        <p class="muted">{s.erasureHint}</p>
        <fieldset class="choice">
          <legend>{s.whose}</legend>
          {[false, true].map(each => (
            <label key={String(each)}>
              <input type="radio" name="whose" checked={isMember.value === each} onChange={() => (isMember.value = each)} />
              <span>{each ? s.member : s.endUser}</span>
            </label>
          ))}
        </fieldset>
        {isMember.value ? (
          <Field label={s.chooseMember}>
            {a => (
              <select {...a} required value={userId.value} onChange={event => (userId.value = event.currentTarget.value)}>
                <option value="" />
                {members.data.value?.items.map(each => (
                  <option key={each.id} value={each.id}>
                    {nameOf(each)}
                  </option>
                ))}
              </select>
            )}
          </Field>
        ) : (
          <Field label={s.endUserName} hint={s.endUserHint} error={fieldsOf(form.error.value)['externalUserId']}>
            {a => (
              <input
                {...a}
                dir="auto"
                required
                maxLength={128}
                autocomplete="off"
                spellcheck={false}
                value={name.value}
                onInput={event => (name.value = event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        <footer>
          <Button kind="danger" type="submit">
            {s.erase}
          </Button>
        </footer>
      </form>
      {confirming.value && (
        <Confirm
          title={s.eraseTitle(confirming.value.whom)}
          action={s.eraseNow}
          close={() => (confirming.value = null)}
          run={async () => {
            await body(POST('/orgs/{org}/erasures', { params: { path: { org: org.value } }, body: confirming.value!.subject }))
            name.value = ''
            userId.value = ''
            await done()
          }}
        >
          <p>{s.eraseText}</p>
        </Confirm>
      )}
    </>
  )
}

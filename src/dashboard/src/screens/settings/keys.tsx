import { useSignal } from '@preact/signals'
import { type ApiKey, DELETE, GET, POST, body } from '../../api'
import { now, short } from '../../time'
import { org } from '../../session'
import { t } from '../../text'
import { Ago, Button, Confirm, CopyButton, Dialog, Empty, Field, FormFooter, Menu, Tag, fieldsOf, useSubmit } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { PagesEnd, usePages } from '../../ui/pages'
import { Table } from '../../ui/table'

const scopes = ['ingest', 'import', 'read'] as const

// A key that was rotated a moment ago may have ended since the half minute began.
const stateOf = (key: ApiKey) =>
  key.revokedAt ? 'revoked' : key.expiresAt && new Date(key.expiresAt).getTime() <= Math.max(now.value, Date.now()) ? 'expired' : 'live'

export function Keys() {
  const pages = usePages(org.value, (cursor, signal) =>
    body(GET('/orgs/{org}/apikeys', { params: { path: { org: org.value }, query: { limit: 100, ...(cursor && { cursor }) } }, signal })),
  )
  const making = useSignal(false)
  const shown = useSignal<string | null>(null)
  const rotating = useSignal<ApiKey | null>(null)
  const revoking = useSignal<ApiKey | null>(null)
  const showsDead = useSignal(false)
  const all = pages.items.value ?? []
  const rows = showsDead.value ? all : all.filter(key => stateOf(key) === 'live')

  return (
    <>
      <div class="section-head">
        <p class="muted">{t.keysSettings.intro}</p>
        <Button kind="primary" icon="plus" onClick={() => (making.value = true)}>
          {t.keysSettings.make}
        </Button>
      </div>
      {pages.items.value && rows.length === 0 && <Empty icon="key" title={t.keysSettings.none} />}
      {rows.length > 0 && (
        <Table
          rows={rows}
          columns={[
            {
              title: t.keysSettings.label,
              isName: true,
              cell: key => (
                <>
                  <strong dir="auto">{key.label}</strong>
                  <br />
                  <code class="muted">
                    clk_{key.publicId}_…{key.lastFour}
                  </code>
                  {key.allowedOrigins.length > 0 && <p class="muted">{key.allowedOrigins.join(', ')}</p>}
                </>
              ),
            },
            {
              title: t.keysSettings.scopes,
              cell: key => (
                <span class="tags">
                  {key.scopes.map(scope => (
                    <Tag key={scope}>{scope}</Tag>
                  ))}
                </span>
              ),
            },
            {
              title: t.keysSettings.state,
              cell: key => <span class={`state ${stateOf(key)}`}>{t.keysSettings.states[stateOf(key)]}</span>,
            },
            { title: t.keysSettings.lastUsed, cell: key => (key.lastUsedAt ? <Ago at={key.lastUsedAt} /> : t.never) },
            { title: t.keysSettings.expires, cell: key => (key.expiresAt ? short(key.expiresAt) : t.never) },
          ]}
          actions={key =>
            stateOf(key) === 'live' && (
              <Menu label={`${t.more}: ${key.label}`} icon="more">
                <button type="button" onClick={() => (rotating.value = key)}>
                  <Icon name="refresh" /> {t.keysSettings.rotate}
                </button>
                <button type="button" class="danger" onClick={() => (revoking.value = key)}>
                  <Icon name="trash" /> {t.keysSettings.revoke}
                </button>
              </Menu>
            )
          }
        />
      )}
      <PagesEnd pages={pages} />
      {all.some(key => stateOf(key) !== 'live') && (
        <label class="check">
          <input type="checkbox" checked={showsDead.value} onChange={() => (showsDead.value = !showsDead.value)} />
          <span>{t.keysSettings.showDead}</span>
        </label>
      )}
      {making.value && (
        <Make
          close={() => (making.value = false)}
          made={key => {
            making.value = false
            shown.value = key
            void pages.reload()
          }}
        />
      )}
      {rotating.value && (
        <Rotate
          apiKey={rotating.value}
          close={() => (rotating.value = null)}
          made={key => {
            rotating.value = null
            shown.value = key
            void pages.reload()
          }}
        />
      )}
      {revoking.value && (
        <Confirm
          title={t.keysSettings.revokeTitle(revoking.value.label)}
          action={t.keysSettings.revoke}
          close={() => (revoking.value = null)}
          run={async () => {
            await body(DELETE('/orgs/{org}/apikeys/{keyId}', { params: { path: { org: org.value, keyId: revoking.value!.id } } }))
            await pages.reload()
          }}
        >
          <p>{t.keysSettings.revokeText}</p>
        </Confirm>
      )}
      {shown.value && (
        <Once title={t.keysSettings.made} secret={shown.value} text={t.keysSettings.once} close={() => (shown.value = null)} />
      )}
    </>
  )
}

/** A secret that is shown only now. */
export const Once = ({ title, secret, text, close }: { title: string; secret: string; text: string; close: () => void }) => (
  <Dialog title={title} close={close}>
    <form
      onSubmit={event => {
        event.preventDefault()
        close()
      }}
    >
      <p>{text}</p>
      <p class="new-key">
        <code>{secret}</code>
        <CopyButton text={secret} label={t.copy} />
      </p>
      <footer>
        <Button type="submit" kind="primary">
          {t.keysSettings.kept}
        </Button>
      </footer>
    </form>
  </Dialog>
)

function Make({ close, made }: { close: () => void; made: (key: string) => void }) {
  const label = useSignal('')
  const chosen = useSignal<ApiKey['scopes']>(['ingest'])
  const origins = useSignal('')
  const expires = useSignal('')
  const isPublic = chosen.value.length === 1 && chosen.value[0] === 'ingest'
  const form = useSubmit(async () => {
    const allowed = origins.value.split(/[\s,]+/).filter(origin => origin !== '')
    const { key } = await body(
      POST('/orgs/{org}/apikeys', {
        params: { path: { org: org.value } },
        body: {
          label: label.value.trim(),
          scopes: chosen.value,
          ...(isPublic && allowed.length > 0 && { allowedOrigins: allowed }),
          ...(expires.value && { expiresAt: new Date(`${expires.value}T23:59:59`).toISOString() }),
        },
      }),
    )
    made(key)
  })
  const refused = fieldsOf(form.error.value)
  return (
    <Dialog title={t.keysSettings.make} close={close}>
      <form onSubmit={form.submit}>
        <Field label={t.keysSettings.label} hint={t.keysSettings.labelHint} error={refused['label']}>
          {a => <input {...a} required value={label.value} onInput={event => (label.value = event.currentTarget.value)} />}
        </Field>
        <fieldset class="checks">
          <legend>{t.keysSettings.scopes}</legend>
          {scopes.map(scope => (
            <label key={scope} class="check">
              <input
                type="checkbox"
                checked={chosen.value.includes(scope)}
                onChange={event =>
                  (chosen.value = scopes.filter(each => (each === scope ? event.currentTarget.checked : chosen.value.includes(each))))
                }
              />
              <span>
                <b>{scope}</b> <span class="muted">{t.keysSettings.scopeHints[scope]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {isPublic && (
          <Field label={t.keysSettings.origins} hint={t.keysSettings.originsHint} error={refused['allowedOrigins']}>
            {a => (
              <textarea
                {...a}
                rows={2}
                placeholder="https://www.example.org"
                value={origins.value}
                onInput={event => (origins.value = event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        <Field label={t.keysSettings.expires} hint={t.keysSettings.expiresHint} error={refused['expiresAt']}>
          {a => <input {...a} type="date" value={expires.value} onInput={event => (expires.value = event.currentTarget.value)} />}
        </Field>
        <FormFooter form={form} action={t.keysSettings.make} close={close} disabled={chosen.value.length === 0} />
      </form>
    </Dialog>
  )
}

function Rotate({ apiKey, close, made }: { apiKey: ApiKey; close: () => void; made: (key: string) => void }) {
  const hours = useSignal(24)
  const form = useSubmit(async () => {
    const { key } = await body(
      POST('/orgs/{org}/apikeys/{keyId}/rotate', {
        params: { path: { org: org.value, keyId: apiKey.id } },
        body: { overlapHours: hours.value },
      }),
    )
    made(key)
  })
  return (
    <Dialog title={t.keysSettings.rotateTitle(apiKey.label)} close={close}>
      <form onSubmit={form.submit}>
        <p>{t.keysSettings.rotateText}</p>
        <Field label={t.keysSettings.overlap} hint={t.keysSettings.overlapHint} error={fieldsOf(form.error.value)['overlapHours']}>
          {a => (
            <input
              {...a}
              type="number"
              min={0}
              max={168}
              required
              value={hours.value}
              onInput={event => (hours.value = event.currentTarget.valueAsNumber)}
            />
          )}
        </Field>
        <FormFooter form={form} action={t.keysSettings.rotate} close={close} />
      </form>
    </Dialog>
  )
}

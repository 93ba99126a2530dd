import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ApiError, DELETE, type Export, GET, POST, body, service } from '../../api'
import { brief, bytes, count } from '../../numbers'
import { href, query } from '../../router'
import { base, org } from '../../session'
import { t } from '../../text'
import { Ago, Button, Confirm, CopyButton, Dialog, Empty, FormFooter, useSubmit } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { PagesEnd, usePages } from '../../ui/pages'
import { FilterChips, filters } from '../chats/filters'

const isUnfinished = (each: Export) => each.state === 'queued' || each.state === 'running'

export default function Exports() {
  const pages = usePages(org.value, (cursor, signal) =>
    body(GET('/exports/orgs/{org}', { params: { path: { org: org.value }, query: { limit: 50, ...(cursor && { cursor }) } }, signal })),
  )
  const making = useSignal(query.value.size > 0)
  const cancelling = useSignal<Export | null>(null)
  const rows = pages.items.value ?? []
  // What is being written is asked for again while it is shown.
  useEffect(() => {
    if (!rows.some(isUnfinished)) return
    const timer = setInterval(() => {
      if (!document.hidden) void pages.reload()
    }, 1500)
    return () => clearInterval(timer)
  }, [rows.some(isUnfinished)])

  return (
    <div class="page">
      <header>
        <h1>{t.screens.exports}</h1>
        <span class="spacer" />
        <Button kind="primary" icon="plus" onClick={() => (making.value = true)}>
          {t.exports.make}
        </Button>
      </header>
      {pages.items.value?.length === 0 ? (
        <Empty icon="exports" title={t.exports.none}>
          <p>{t.exports.noneHint}</p>
        </Empty>
      ) : (
        rows.length > 0 && (
          <ul class="cards">
            {rows.map(each => (
              <Row key={each.id} row={each} cancel={() => (cancelling.value = each)} />
            ))}
          </ul>
        )
      )}
      <PagesEnd pages={pages} />
      {making.value && (
        <Make
          close={() => (making.value = false)}
          made={() => {
            making.value = false
            void pages.reload()
          }}
        />
      )}
      {cancelling.value && (
        <Confirm
          title={t.exports.cancelTitle}
          action={isUnfinished(cancelling.value) ? t.exports.cancel : t.exports.remove}
          close={() => (cancelling.value = null)}
          run={async () => {
            await body(DELETE('/exports/orgs/{org}/{exportId}', { params: { path: { org: org.value, exportId: cancelling.value!.id } } }))
            await pages.reload()
          }}
        >
          <p>{isUnfinished(cancelling.value) ? t.exports.cancelText : t.exports.removeText}</p>
        </Confirm>
      )}
    </div>
  )
}

function Row({ row, cancel }: { row: Export; cancel: () => void }) {
  const file = `${service}/exports/orgs/${encodeURIComponent(org.value)}/${row.id}`
  return (
    <li class="card-box export">
      <div class="what">
        <strong>
          {row.format}
          {row.layout && ` · ${t.exports.layouts[row.layout]}`}
        </strong>
        <span class={`state ${row.state}`}>{t.exports.states[row.state]}</span>
        <span class="muted">
          <Ago at={row.createdAt} />
        </span>
      </div>
      {isUnfinished(row) ? (
        <div class="progress">
          {row.totalRows ? (
            <progress max={row.totalRows} value={row.rows} aria-label={t.exports.states[row.state]} />
          ) : (
            <progress aria-label={t.exports.states[row.state]} />
          )}
          <span>
            {count(row.rows)}
            {row.totalRows != null && ` / ${count(row.totalRows)}`}
          </span>
        </div>
      ) : (
        <dl class="facts-line">
          <div>
            <dt>{t.exports.rows}</dt>
            <dd>{brief(row.rows)}</dd>
          </div>
          {row.bytes != null && (
            <div>
              <dt>{t.exports.size}</dt>
              <dd>{bytes(row.bytes)}</dd>
            </div>
          )}
          {row.skipped > 0 && (
            <div>
              <dt>{t.exports.skipped}</dt>
              <dd>{count(row.skipped)}</dd>
            </div>
          )}
          {row.state === 'done' && row.expiresAt && (
            <div>
              <dt>{t.exports.expires}</dt>
              <dd>
                <Ago at={row.expiresAt} />
              </dd>
            </div>
          )}
          {row.sha256 && (
            <div class="hash">
              <dt>SHA-256</dt>
              <dd>
                <code title={row.sha256}>{row.sha256.slice(0, 12)}…</code>
                <CopyButton kind="quiet" text={row.sha256} label={t.copy} />
              </dd>
            </div>
          )}
        </dl>
      )}
      {row.reason && <p class="notice">{row.reason}</p>}
      {row.state === 'expired' && <p class="muted">{t.exports.expired}</p>}
      <div class="actions">
        {row.state === 'done' && (
          <a class="button" href={file} download>
            <Icon name="exports" /> {t.exports.download}
          </a>
        )}
        {(isUnfinished(row) || row.state === 'done') && (
          <Button kind="quiet" icon={isUnfinished(row) ? 'close' : 'trash'} onClick={cancel}>
            {isUnfinished(row) ? t.exports.cancel : t.exports.remove}
          </Button>
        )}
      </div>
    </li>
  )
}

const formats = ['jsonl', 'json', 'csv', 'openai-jsonl'] as const

function Make({ close, made }: { close: () => void; made: () => void }) {
  const format = useSignal<Export['format']>('csv')
  const layout = useSignal<'messages' | 'chats'>('messages')
  const bom = useSignal(true)
  const local = useSignal(false)
  const form = useSubmit(async () => {
    // No answer has the filter "no answer": exports are of chats as they are.
    const { unanswered: _, ...chosen } = filters()
    const isCsv = format.value === 'csv'
    const { error, response } = await POST('/exports/orgs/{org}', {
      params: { path: { org: org.value }, header: { 'Idempotency-Key': crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` } },
      body: {
        ...chosen,
        format: format.value,
        mode: 'async',
        ...(isCsv && { layout: layout.value, bom: bom.value, localTimes: local.value }),
      },
      parseAs: 'text',
    })
    if (!response.ok) throw new ApiError(response.status, (error ?? {}) as object, null)
    made()
  })
  return (
    <Dialog title={t.exports.make} close={close}>
      <form onSubmit={form.submit}>
        <div>
          <p>{query.value.size > 0 ? t.exports.ofFilters : t.exports.ofAll}</p>
          <FilterChips />
          {query.value.has('q') && (
            <p>
              {t.chats.search}: <b dir="auto">{query.value.get('q')}</b>
            </p>
          )}
          {query.value.has('unanswered') && <p class="notice">{t.exports.notUnanswered}</p>}
          <p>
            <a href={href([...base.value, 'chats'], query.value)}>{t.exports.changeFilters}</a>
          </p>
        </div>
        <fieldset class="choice">
          <legend>{t.exports.format}</legend>
          {formats.map(each => (
            <label key={each}>
              <input type="radio" name="format" checked={format.value === each} onChange={() => (format.value = each)} />
              <span>{each}</span>
            </label>
          ))}
        </fieldset>
        <p class="hint">{t.exports.hints[format.value]}</p>
        {format.value === 'csv' && (
          <>
            <fieldset class="choice">
              <legend>{t.exports.layout}</legend>
              {(['messages', 'chats'] as const).map(each => (
                <label key={each}>
                  <input type="radio" name="layout" checked={layout.value === each} onChange={() => (layout.value = each)} />
                  <span>{t.exports.layouts[each]}</span>
                </label>
              ))}
            </fieldset>
            <label class="check">
              <input type="checkbox" checked={bom.value} onChange={event => (bom.value = event.currentTarget.checked)} />
              <span>{t.exports.bom}</span>
            </label>
            <label class="check">
              <input type="checkbox" checked={local.value} onChange={event => (local.value = event.currentTarget.checked)} />
              <span>{t.exports.localTimes}</span>
            </label>
          </>
        )}
        <FormFooter form={form} action={t.exports.make} close={close} />
      </form>
    </Dialog>
  )
}

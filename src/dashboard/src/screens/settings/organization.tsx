import { type Signal, useSignal } from '@preact/signals'
import { PATCH, body } from '../../api'
import { may, organization, visiting } from '../../session'
import { t } from '../../text'
import { date } from '../../time'
import { Button, CopyButton, Field, IconButton, FormFooter, fieldsOf, useSubmit } from '../../ui/basics'

/** The zones that the browser knows; the API knows their other names, too. */
export const zones = () => ['UTC', ...Intl.supportedValuesOf('timeZone')]

type Price = { model: string; prompt: string; completion: string }

const rowsOf = (prices: Record<string, { prompt: number; completion: number }>): Price[] =>
  Object.entries(prices).map(([model, price]) => ({ model, prompt: String(price.prompt), completion: String(price.completion) }))

const pricesOf = (rows: Price[]) =>
  Object.fromEntries(
    rows
      .filter(row => row.model.trim() !== '')
      .map(row => [row.model.trim(), { prompt: Number(row.prompt || 0), completion: Number(row.completion || 0) }]),
  )

function Prices({ rows, isReadOnly, error }: { rows: Signal<Price[]>; isReadOnly: boolean; error?: string[] | undefined }) {
  const set = (at: number, part: Partial<Price>) => (rows.value = rows.value.map((row, i) => (i === at ? { ...row, ...part } : row)))
  const amount = { type: 'number', min: 0, max: 10_000, step: 'any', inputMode: 'decimal', readOnly: isReadOnly } as const
  return (
    <fieldset class="prices">
      <legend>{t.organizationSettings.prices}</legend>
      <p class="muted">{t.organizationSettings.pricesHint}</p>
      {rows.value.map((row, at) => (
        <div key={at} class="price">
          <Field label={t.organizationSettings.model}>
            {a => (
              <input
                {...a}
                dir="auto"
                readOnly={isReadOnly}
                value={row.model}
                onInput={event => set(at, { model: event.currentTarget.value })}
              />
            )}
          </Field>
          <Field label={t.organizationSettings.prompt}>
            {a => <input {...a} {...amount} value={row.prompt} onInput={event => set(at, { prompt: event.currentTarget.value })} />}
          </Field>
          <Field label={t.organizationSettings.completion}>
            {a => <input {...a} {...amount} value={row.completion} onInput={event => set(at, { completion: event.currentTarget.value })} />}
          </Field>
          {!isReadOnly && (
            <IconButton
              icon="close"
              label={t.organizationSettings.removePrice(row.model)}
              onClick={() => (rows.value = rows.value.filter((_, i) => i !== at))}
            />
          )}
        </div>
      ))}
      {error && (
        <p class="field-error" role="alert">
          {error.join(' ')}
        </p>
      )}
      {!isReadOnly && (
        <Button icon="plus" onClick={() => (rows.value = [...rows.value, { model: '', prompt: '', completion: '' }])}>
          {t.organizationSettings.addPrice}
        </Button>
      )}
    </fieldset>
  )
}

export function OrganizationSettings() {
  const current = organization.value!
  const name = useSignal(current.name)
  const zone = useSignal(current.settings.timeZone)
  const prices = useSignal(rowsOf(current.settings.prices))
  const saved = useSignal(false)
  const form = useSubmit(async () => {
    saved.value = false
    const change = { name: name.value.trim(), settings: { timeZone: zone.value.trim(), prices: pricesOf(prices.value) } }
    organization.value = await body(
      visiting.value !== null
        ? PATCH('/orgs/{slug}', { params: { path: { slug: visiting.value } }, body: change })
        : PATCH('/orgs/me', { body: change }),
    )
    saved.value = true
  })
  const refused = fieldsOf(form.error.value)
  const isReadOnly = !may.administrate.value
  return (
    <form class="card-box settings-form" onSubmit={form.submit}>
      <dl class="facts-line">
        <div>
          <dt>{t.organizationSettings.slug}</dt>
          <dd>
            <code>{current.slug}</code> <CopyButton kind="quiet" text={current.slug} label={t.copy} />
          </dd>
        </div>
        <div>
          <dt>{t.organizationSettings.since}</dt>
          <dd>{date(current.createdAt)}</dd>
        </div>
      </dl>
      <Field label={t.organizationSettings.name} error={refused['name']}>
        {a => (
          <input
            {...a}
            dir="auto"
            required
            readOnly={isReadOnly}
            value={name.value}
            onInput={event => (name.value = event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label={t.organizationSettings.zone} hint={t.organizationSettings.zoneHint} error={refused['settings.timeZone']}>
        {a => (
          <>
            <input
              {...a}
              list="zones"
              readOnly={isReadOnly}
              value={zone.value}
              onInput={event => (zone.value = event.currentTarget.value)}
            />
            <datalist id="zones">
              {zones().map(each => (
                <option key={each} value={each} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <Prices rows={prices} isReadOnly={isReadOnly} error={refused['settings.prices']} />
      {!isReadOnly && <FormFooter form={form} action={t.save} note={saved.value && t.saved} />}
    </form>
  )
}

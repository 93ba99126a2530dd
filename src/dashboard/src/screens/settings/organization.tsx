import { useSignal } from '@preact/signals'
import { PATCH, body } from '../../api'
import { may, organization, visiting } from '../../session'
import { t } from '../../text'
import { date } from '../../time'
import { CopyButton, Field, FormFooter, fieldsOf, useSubmit } from '../../ui/basics'

/** The zones that the browser knows; the API knows their other names, too. */
export const zones = () => ['UTC', ...Intl.supportedValuesOf('timeZone')]

export function OrganizationSettings() {
  const current = organization.value!
  const name = useSignal(current.name)
  const zone = useSignal(current.settings.timeZone)
  const saved = useSignal(false)
  const form = useSubmit(async () => {
    saved.value = false
    const change = { name: name.value.trim(), settings: { timeZone: zone.value.trim() } }
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
      {!isReadOnly && <FormFooter form={form} action={t.save} note={saved.value && t.saved} />}
    </form>
  )
}

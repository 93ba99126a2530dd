import { useSignal } from '@preact/signals'
import { type Organization, PATCH, POST, body } from '../../api'
import { org, organization, visiting } from '../../session'
import { t } from '../../text'
import { Button, Field, FormFooter, IconButton, fieldsOf, useSubmit } from '../../ui/basics'
import { Erasures } from './erasures'

type Redaction = Organization['settings']['redaction']

export const kinds = Object.keys(t.privacySettings.kinds) as Redaction['kinds']

export const change = async (settings: { retentionDays?: number; redaction?: Redaction }) =>
  (organization.value = await body(
    visiting.value !== null
      ? PATCH('/orgs/{slug}', { params: { path: { slug: visiting.value } }, body: { settings } })
      : PATCH('/orgs/me', { body: { settings } }),
  ))

export function Privacy() {
  return (
    <>
      <Retention />
      <RedactionSettings />
      <Preview />
      <Erasures />
    </>
  )
}

function Retention() {
  const days = useSignal(String(organization.value!.settings.retentionDays ?? ''))
  const saved = useSignal(false)
  const form = useSubmit(async () => {
    saved.value = false
    await change({ retentionDays: Number(days.value || 0) })
    saved.value = true
  })
  return (
    <form class="card-box settings-form" onSubmit={form.submit}>
      <h2>{t.privacySettings.retention}</h2>
      <Field
        label={t.privacySettings.days}
        hint={t.privacySettings.daysHint}
        error={fieldsOf(form.error.value)['settings.retentionDays']}
      >
        {a => (
          <input
            {...a}
            type="number"
            min={1}
            max={3650}
            inputMode="numeric"
            value={days.value}
            onInput={event => (days.value = event.currentTarget.value)}
          />
        )}
      </Field>
      <FormFooter form={form} action={t.save} note={saved.value && t.saved} />
    </form>
  )
}

function RedactionSettings() {
  const redaction = useSignal<Redaction>(organization.value!.settings.redaction)
  const saved = useSignal(false)
  const form = useSubmit(async () => {
    saved.value = false
    const patterns = redaction.value.patterns.filter(each => each.name.trim() !== '' || each.pattern !== '')
    redaction.value = (await change({ redaction: { ...redaction.value, patterns } })).settings.redaction
    saved.value = true
  })
  const refused = fieldsOf(form.error.value)
  const set = (part: Partial<Redaction>) => (redaction.value = { ...redaction.value, ...part })
  const setPattern = (at: number, part: Partial<Redaction['patterns'][number]>) =>
    set({ patterns: redaction.value.patterns.map((each, i) => (i === at ? { ...each, ...part } : each)) })
  return (
    <form class="card-box settings-form" onSubmit={form.submit}>
      <h2>{t.privacySettings.redaction}</h2>
      <p class="muted">{t.privacySettings.redactionHint}</p>
      <fieldset class="checks">
        <legend>{t.privacySettings.kindsTitle}</legend>
        {kinds.map(kind => (
          <label key={kind} class="check">
            <input
              type="checkbox"
              checked={redaction.value.kinds.includes(kind)}
              onChange={event =>
                set({ kinds: kinds.filter(each => (each === kind ? event.currentTarget.checked : redaction.value.kinds.includes(each))) })
              }
            />
            <span>{t.privacySettings.kinds[kind]}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="prices">
        <legend>{t.privacySettings.patterns}</legend>
        <p class="muted">{t.privacySettings.patternsHint}</p>
        {redaction.value.patterns.map((each, at) => (
          <div key={at} class="price">
            <Field label={t.privacySettings.patternName} error={refused[`settings.redaction.patterns[${at}].name`]}>
              {a => <input {...a} value={each.name} onInput={event => setPattern(at, { name: event.currentTarget.value })} />}
            </Field>
            <Field label={t.privacySettings.pattern} error={refused[`settings.redaction.patterns[${at}].pattern`]}>
              {a => (
                <input
                  {...a}
                  dir="ltr"
                  spellcheck={false}
                  value={each.pattern}
                  onInput={event => setPattern(at, { pattern: event.currentTarget.value })}
                />
              )}
            </Field>
            <IconButton
              icon="close"
              label={t.privacySettings.removePattern(each.name)}
              onClick={() => set({ patterns: redaction.value.patterns.filter((_, i) => i !== at) })}
            />
          </div>
        ))}
        <Button icon="plus" onClick={() => set({ patterns: [...redaction.value.patterns, { name: '', pattern: '' }] })}>
          {t.privacySettings.addPattern}
        </Button>
      </fieldset>
      <label class="check">
        <input
          type="checkbox"
          checked={redaction.value.metadata}
          onChange={event => set({ metadata: event.currentTarget.checked })}
        />
        <span>{t.privacySettings.metadata}</span>
      </label>
      <FormFooter form={form} action={t.save} note={saved.value && t.saved} />
    </form>
  )
}

/** What the redaction that is saved makes of a text. */
function Preview() {
  const text = useSignal('')
  const found = useSignal<{ text: string; found: { kind: string; count: number }[] } | null>(null)
  const form = useSubmit(async () => {
    found.value = await body(
      POST('/orgs/{org}/redaction/preview', { params: { path: { org: org.value } }, body: { text: text.value } }),
    )
  })
  return (
    <form class="card-box settings-form" onSubmit={form.submit}>
      <h2>{t.privacySettings.preview}</h2>
      <Field label={t.privacySettings.text} hint={t.privacySettings.textHint} error={fieldsOf(form.error.value)['text']}>
        {a => (
          <textarea {...a} dir="auto" rows={4} required value={text.value} onInput={event => (text.value = event.currentTarget.value)} />
        )}
      </Field>
      {found.value && (
        <output>
          <pre dir="auto" class="preview">{found.value.text}</pre>
          <p class="muted">
            {found.value.found.length === 0
              ? t.privacySettings.nothingFound
              : found.value.found.map(({ kind, count }) => `${kind}: ${count}`).join(', ')}
          </p>
        </output>
      )}
      <FormFooter form={form} action={t.privacySettings.try} />
    </form>
  )
}

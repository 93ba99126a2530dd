import { useSignal } from '@preact/signals'
import { type Rating } from '../../api'
import { query, setQuery } from '../../router'
import { t } from '../../text'
import { addDays, dayKey } from '../../time'
import { Button, Dialog, Field } from '../../ui/basics'
import { Icon } from '../../ui/icons'

export type Filters = {
  q?: string
  from?: string
  to?: string
  tag?: string[]
  externalUserId?: string
  userId?: string
  model?: string
  rating?: Rating | 'none'
  unanswered?: 'true'
}

const single = ['q', 'from', 'to', 'externalUserId', 'userId', 'model', 'rating', 'unanswered'] as const

/** The filters that the address has. A range of days is told to the API as it is: the API knows where days begin. */
export function filters(): Filters {
  const found: Record<string, string | string[]> = {}
  for (const name of single) {
    const value = query.value.get(name)
    if (value) found[name] = value
  }
  const tags = query.value.getAll('tag')
  if (tags.length > 0) found['tag'] = tags
  const days = Number(query.value.get('days'))
  if (days > 0 && days <= 3650) found['from'] = addDays(dayKey(Date.now()), 1 - days)
  return found as Filters
}

const names = t.chats.filter

/** What is filtered, each removable. */
export function FilterChips() {
  const chips: { name: string; text: string; remove: Record<string, string[] | null> }[] = []
  const days = Number(query.value.get('days'))
  if (days > 0) chips.push({ name: names.range, text: names.ranges[days] ?? `${days} d`, remove: { days: null } })
  for (const name of single) {
    if (name === 'q') continue
    const value = query.value.get(name)
    if (!value) continue
    const text = name === 'rating' ? (names.ratings[value as Rating] ?? value) : name === 'unanswered' ? '' : value
    chips.push({ name: names[name], text, remove: { [name]: null } })
  }
  const tags = query.value.getAll('tag')
  for (const tag of tags) chips.push({ name: names.tag, text: tag, remove: { tag: tags.filter(other => other !== tag) } })
  if (chips.length === 0) return null
  return (
    <ul class="chips">
      {chips.map(({ name, text, remove }) => (
        <li key={name + text}>
          <button type="button" onClick={() => setQuery(remove)}>
            <span class="visually-hidden">{t.chats.remove} </span>
            <span dir="auto">
              {name}
              {text && <b>{text}</b>}
            </span>
            <Icon name="close" size={12} />
          </button>
        </li>
      ))}
    </ul>
  )
}

export function FilterDialog({ close }: { close: () => void }) {
  const now = query.value
  const range = useSignal(now.get('days') ?? (now.has('from') || now.has('to') ? 'custom' : ''))
  const rating = useSignal(now.get('rating') ?? '')
  const unanswered = useSignal(now.get('unanswered') === 'true')
  const apply = (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const text = (name: string) => String(form.get(name) ?? '').trim()
    const custom = range.value === 'custom'
    setQuery({
      days: custom ? null : range.value,
      from: custom ? text('from') : null,
      to: custom ? text('to') : null,
      tag: text('tag')
        .split(',')
        .map(tag => tag.trim())
        .filter(tag => tag !== ''),
      externalUserId: text('externalUserId'),
      userId: text('userId'),
      model: text('model'),
      rating: rating.value,
      unanswered: unanswered.value ? 'true' : null,
    })
    close()
  }
  return (
    <Dialog title={t.chats.filters} close={close}>
      <form onSubmit={apply}>
        <fieldset class="choice">
          <legend>{names.range}</legend>
          {['', '1', '7', '30', '90', 'custom'].map(value => (
            <label key={value}>
              <input type="radio" name="range" checked={range.value === value} onChange={() => (range.value = value)} />
              <span>{value === '' ? t.any : value === 'custom' ? `${names.from} – ${names.to}` : names.ranges[Number(value)]}</span>
            </label>
          ))}
        </fieldset>
        {range.value === 'custom' && (
          <div class="columns">
            <Field label={names.from}>
              {a => <input {...a} name="from" type="date" defaultValue={(now.get('from') ?? '').slice(0, 10)} />}
            </Field>
            <Field label={names.to}>{a => <input {...a} name="to" type="date" defaultValue={(now.get('to') ?? '').slice(0, 10)} />}</Field>
          </div>
        )}
        <fieldset class="choice">
          <legend>{names.rating}</legend>
          {(['', 'up', 'down', 'none'] as const).map(value => (
            <label key={value}>
              <input type="radio" name="rating" checked={rating.value === value} onChange={() => (rating.value = value)} />
              <span>{value === '' ? t.any : names.ratings[value]}</span>
            </label>
          ))}
        </fieldset>
        <label class="check">
          <input type="checkbox" checked={unanswered.value} onChange={event => (unanswered.value = event.currentTarget.checked)} />
          <span>{names.unanswered}</span>
        </label>
        <div class="columns">
          <Field label={names.tag} hint={t.conversation.tagsHint}>
            {a => <input {...a} name="tag" defaultValue={now.getAll('tag').join(', ')} />}
          </Field>
          <Field label={names.model}>{a => <input {...a} name="model" maxLength={100} defaultValue={now.get('model') ?? ''} />}</Field>
          <Field label={names.externalUserId}>
            {a => <input {...a} name="externalUserId" maxLength={128} defaultValue={now.get('externalUserId') ?? ''} />}
          </Field>
          <Field label={names.userId}>
            {a => <input {...a} name="userId" pattern="[0-9a-fA-F\-]{36}" defaultValue={now.get('userId') ?? ''} />}
          </Field>
        </div>
        <footer>
          <Button onClick={close}>{t.cancel}</Button>
          <Button kind="primary" type="submit">
            {names.apply}
          </Button>
        </footer>
      </form>
    </Dialog>
  )
}

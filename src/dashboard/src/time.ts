import { computed, signal } from '@preact/signals'
import { lazy } from './numbers'
import { zoneChoice } from './preferences'
import { organization } from './session'
import { t } from './text'

const own = lazy(() => Intl.DateTimeFormat().resolvedOptions().timeZone)

/** The zone that times are shown in. */
export const zone = computed(() => (zoneChoice.value === 'organization' ? (organization.value?.settings.timeZone ?? own()) : own()))

const formats = computed(() => {
  const timeZone = zone.value
  const of = (options: Intl.DateTimeFormatOptions, locale?: string) => lazy(() => new Intl.DateTimeFormat(locale, { ...options, timeZone }))
  return {
    time: of({ hour: '2-digit', minute: '2-digit' }),
    full: of({ dateStyle: 'medium', timeStyle: 'medium' }),
    short: of({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }),
    day: of({ weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }),
    date: of({ year: 'numeric', month: 'short', day: 'numeric' }),
    iso: of({ dateStyle: 'short' }, 'sv-SE'),
  }
})

const units: [keyof typeof t.ago, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** The present time, each half minute. */
export const now = signal(Date.now())
setInterval(() => (now.value = Date.now()), 30_000)

export const time = (at: string) => formats.value.time().format(new Date(at))
export const full = (at: string) => `${formats.value.full().format(new Date(at))} (${zone.value})`
export const short = (at: string) => formats.value.short().format(new Date(at))
export const day = (at: string) => formats.value.day().format(new Date(at))
export const date = (at: string) => formats.value.date().format(new Date(at))

/** The calendar day in the shown zone, as yyyy-mm-dd. */
export const dayKey = (at: string | number) => formats.value.iso().format(new Date(at))

/** How long ago or ahead a time is. In words of ours: the first use of Intl takes as long as a tenth of the first page. */
export function ago(at: string): string {
  const seconds = (new Date(at).getTime() - now.value) / 1000
  const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? []
  return unit ? t.ago[unit](Math.round(seconds / length!)) : t.now
}

/** The day that is so many days after a day, both as yyyy-mm-dd. */
export function addDays(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`)
  at.setUTCDate(at.getUTCDate() + days)
  return at.toISOString().slice(0, 10)
}

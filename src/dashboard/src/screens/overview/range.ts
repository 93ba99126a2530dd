import { query } from '../../router'
import { addDays, dayKey } from '../../time'

export type Range = { from: string; to: string; days: number | null }

/** The range of days that the address has, `to` excluded; 30 days unless it says otherwise. */
export function range(): Range {
  const [from, to] = [query.value.get('from'), query.value.get('to')]
  const day = /^\d{4}-\d\d-\d\d$/
  if (from && to && day.test(from) && day.test(to) && from < to) return { from, to, days: null }
  const days = [1, 7, 30, 90].find(days => String(days) === query.value.get('days')) ?? 30
  const end = addDays(dayKey(Date.now()), 1)
  return { from: addDays(end, -days), to: end, days }
}

/** The range of the same length just before. */
export function before({ from, to }: Range): { from: string; to: string } {
  const length = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000)
  return { from: addDays(from, -length), to: from }
}

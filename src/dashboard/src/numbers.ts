/** Makes something when it is first used: the formats of Intl take milliseconds each, and the first page needs few of them. */
export function lazy<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

const plain = lazy(() => new Intl.NumberFormat())
const compact = lazy(() => new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 }))
const percents = lazy(() => new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 }))
const changes = lazy(() => new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' }))

/** Whether a number looks alike with and without Intl, whose first use takes as long as a tenth of the first page. */
const isSmall = (value: number) => value >= 0 && value < 1000 && Number.isInteger(value)

export const count = (value: number) => (isSmall(value) ? String(value) : plain().format(value))
export const brief = (value: number) => (Math.abs(value) < 10_000 ? count(value) : compact().format(value))
export const percent = (value: number) => percents().format(value)
export const change = (value: number) => changes().format(value)

const one = lazy(() => new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }))
export const decimal = (value: number) => one().format(value)

const amounts = lazy(() => new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 }))
const smallAmounts = lazy(() => new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 }))
/** An amount of money, in whichever currency. */
export const money = (value: number) => (value !== 0 && value < 1 ? smallAmounts : amounts)().format(value)

/** A duration in milliseconds, in the unit that fits. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${plain().format(ms)} ms`
  if (ms < 60_000) return `${plain().format(Math.round(ms / 100) / 10)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`
  return `${plain().format(Math.round(ms / 8_640_000) / 10)} d`
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  for (; value >= 1000 && at < units.length - 1; at++) value /= 1000
  return `${plain().format(Math.round(value * 10) / 10)} ${units[at]}`
}

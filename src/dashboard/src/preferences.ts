import { type Signal, effect, signal } from '@preact/signals'
import { root } from './router'

/** Tells of each value but the first: what is stored need not be stored again while the page loads. */
function onChange<T>(choice: Signal<T>, tell: (value: T) => void) {
  let isFirst = true
  choice.subscribe(value => {
    if (!isFirst) tell(value)
    isFirst = false
  })
}

/** A value that this browser remembers. A browser that may not store anything forgets it with the page. */
function remembered<T extends string>(name: string, values: readonly T[]) {
  const key = `chatlogger.${name}`
  let stored: string | null = null
  try {
    stored = localStorage.getItem(key)
  } catch {
    // Storage is switched off.
  }
  const choice = signal<T>(values.includes(stored as T) ? (stored as T) : values[0]!)
  onChange(choice, value => {
    try {
      localStorage.setItem(key, value)
    } catch {
      // Storage is switched off or full.
    }
  })
  return choice
}

export const theme = remembered('theme', ['system', 'light', 'dark'] as const)

/** Whose zone times are shown in. */
export const zoneChoice = remembered('zone', ['organization', 'mine'] as const)

/** Whether single letters are commands. */
export const shortcuts = remembered('shortcuts', ['on', 'off'] as const)

const member = 'chatlogger-member'

/**
 * Whether a member of an organization was signed in when the page was last shown: then it need not wait to learn it. A cookie, because
 * the service reads it too: the page that it sends then names the first requests, and the browser makes them while it loads the script.
 */
export const wasMember = signal(document.cookie.split('; ').includes(`${member}=yes`))
onChange(wasMember, was => {
  const age = was ? 31_536_000 : 0
  document.cookie = `${member}=yes; path=${root}; max-age=${age}; samesite=strict${location.protocol === 'https:' ? '; secure' : ''}`
})

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.value
})

import { effect, signal } from '@preact/signals'

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
  effect(() => {
    try {
      localStorage.setItem(key, choice.value)
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

/** Whether a member of an organization was signed in when the page was last shown: then it need not wait to learn it. */
export const wasMember = remembered('member', ['no', 'yes'] as const)

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.value
})

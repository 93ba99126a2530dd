import { signal } from '@preact/signals'
import { useLayoutEffect } from 'preact/hooks'
import { shortcuts } from './preferences'

type Commands = Record<string, (event: KeyboardEvent) => void>
const stack: Commands[] = []

/** Whether the list of keys is shown. */
export const help = signal(false)

let pendingG = 0

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || target.closest('input, textarea, select') !== null)

/** Single keys are commands, but for who types, and for who has switched them off. `g` begins one of two letters. */
export function startKeyboard(): void {
  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    // Escape closes what is open above the page, and nothing below it.
    if (document.querySelector('dialog[open], [popover]:popover-open')) return
    const isTyping = typing(event.target)
    if (event.key !== 'Escape' && (isTyping || shortcuts.value === 'off')) return
    if (isTyping && event.key === 'Escape') {
      ;(event.target as HTMLElement).blur()
      return
    }
    const key = Date.now() - pendingG < 1500 ? `g ${event.key}` : event.key
    pendingG = 0
    if (key === 'g') {
      pendingG = Date.now()
      return
    }
    for (const commands of stack.toReversed()) {
      const command = commands[key]
      if (!command) continue
      event.preventDefault()
      command(event)
      return
    }
  })
}

/** The commands of a part of the page, while it is shown; those of what was shown last come first. */
export function useCommands(commands: Commands): void {
  // Before it is painted: what is seen can be used.
  useLayoutEffect(() => {
    stack.push(commands)
    return () => void stack.splice(stack.indexOf(commands), 1)
  })
}

import { signal } from '@preact/signals'
import { service } from './api'
import { connected, org, profile, signedOut } from './session'

export type LiveEvent = {
  kind: 'chat.created' | 'message.created' | 'chat.changed' | 'chat.deleted' | 'feedback.given' | 'reset'
  chatId?: string
  messageId?: string
}

type Listener = (events: LiveEvent[]) => void
const listeners = new Set<Listener>()

/** Whether the stream is open; without it the screens are told every 15 seconds that something may have changed. */
export const live = signal(false)

const kinds = ['chat.created', 'message.created', 'chat.changed', 'chat.deleted', 'feedback.given', 'reset'] as const

/** Calls the listener with what has happened, at most a few times a second. */
export function onLive(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

let pending: LiveEvent[] = []
function announce(event: LiveEvent): void {
  if (pending.push(event) > 1) return
  setTimeout(() => {
    const events = pending
    pending = []
    for (const listener of listeners) listener(events)
  }, 250)
}

/** Follows the organization while the page is visible. */
export function startLive(): () => void {
  let source: EventSource | null = null
  let last = ''
  const open = () => {
    if (source || document.hidden || !profile.value || signedOut.value) return
    // A stream that was closed on purpose resumes by the query; one that broke does so by Last-Event-ID.
    source = new EventSource(`${service}/orgs/${encodeURIComponent(org.value)}/live${last ? `?after=${encodeURIComponent(last)}` : ''}`)
    source.onopen = () => {
      live.value = true
      connected.value = true
    }
    source.onerror = () => {
      live.value = false
      if (source?.readyState === EventSource.CLOSED) source = null
    }
    for (const kind of kinds)
      source.addEventListener(kind, event => {
        last = event.lastEventId || last
        announce({ kind, ...(event.data ? (JSON.parse(event.data as string) as object) : {}) })
      })
  }
  const close = () => {
    source?.close()
    source = null
    live.value = false
  }
  const visible = () => (document.hidden ? close() : open())
  const poll = setInterval(() => {
    if (document.hidden || live.value) return
    announce({ kind: 'reset' })
    open()
  }, 15_000)
  // A connection that is back is not waited for.
  const reopen = () => {
    close()
    open()
  }
  document.addEventListener('visibilitychange', visible)
  addEventListener('online', reopen)
  open()
  return () => {
    clearInterval(poll)
    document.removeEventListener('visibilitychange', visible)
    removeEventListener('online', reopen)
    close()
  }
}

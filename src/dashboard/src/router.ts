import { computed, signal } from '@preact/signals'
import { service } from './api'

/** The path of the dashboard itself, such as /app or /chatlogger/app. */
export const root = new URL(`${service}/app`).pathname

const current = signal(new URL(location.href))

/** The parts of the path below the dashboard's own. */
export const path = computed(() =>
  current.value.pathname
    .slice(root.length)
    .split('/')
    .filter(part => part !== '')
    .map(decodeURIComponent),
)

export const query = computed(() => current.value.searchParams)
export const fragment = computed(() => current.value.hash.slice(1))

/** An address below the dashboard's own. */
export function href(parts: string[], search?: URLSearchParams, hash?: string): string {
  const text = search?.toString()
  return `${root}/${parts.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}${hash ? `#${hash}` : ''}`
}

export function go(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  current.value = new URL(location.href)
}

/** Changes some parameters of the query; null and '' remove one. */
export function setQuery(changes: Record<string, string | string[] | null>, options?: { replace: boolean }): void {
  const search = new URLSearchParams(current.value.searchParams)
  for (const [name, value] of Object.entries(changes)) {
    search.delete(name)
    for (const each of Array.isArray(value) ? value : [value]) if (each) search.append(name, each)
  }
  go(href(path.value, search), options)
}

/** Follows links within the dashboard without loading the page anew. */
export function startRouter(): void {
  addEventListener('popstate', () => (current.value = new URL(location.href)))
  addEventListener('hashchange', () => (current.value = new URL(location.href)))
  document.addEventListener('click', event => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = (event.target as Element).closest('a')
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
    if (link.pathname !== root && !link.pathname.startsWith(`${root}/`)) return
    event.preventDefault()
    go(link.href)
  })
}

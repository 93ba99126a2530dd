import { batch, computed, signal } from '@preact/signals'
import { ApiError, GET, POST, body, listeners, type Organization, type Profile } from './api'
import { wasMember } from './preferences'
import { path } from './router'

/** Who uses the dashboard; null while that is not known or nobody is signed in. */
export const profile = signal<Profile | null>(null)

/** Whether the login is asked for, over whatever is shown. */
export const signedOut = signal(false)

/** Whether the last request was answered. */
export const connected = signal(true)

/** A superadmin steps into an organization at /o/<slug>/. */
export const visiting = computed(() => (path.value[0] === 'o' ? (path.value[1] ?? null) : null))

/** The organization in addresses of the API. */
export const org = computed(() => visiting.value ?? 'me')

export const organization = signal<Organization | null>(null)

/** What the member may do in the organization; a superadmin acts as an admin. */
export const role = computed(() => (profile.value?.role === 'superadmin' ? 'admin' : (profile.value?.role ?? 'viewer')))

export const may = {
  write: computed(() => role.value !== 'viewer'),
  analyse: computed(() => role.value !== 'user'),
  administrate: computed(() => role.value === 'admin'),
}

/** The path of the screens of the present organization. */
export const base = computed(() => (visiting.value === null ? [] : ['o', visiting.value]))

/** The part of the path that names the screen. */
export const screen = computed(() => path.value.slice(base.value.length))

/** So long is waited for a part of the first screen, in milliseconds, before the others are drawn without it. */
const patience = 100

/** Loads who uses the dashboard. What was asked for at the same time is awaited, so that all is drawn at once. */
export async function loadProfile(asked?: Promise<Organization>, also?: Promise<unknown>): Promise<void> {
  const who = await body(GET('/users/me'))
  const its = who.org != null ? await asked?.catch(() => null) : null
  if (its && also) await Promise.race([also, new Promise(resolve => setTimeout(resolve, patience))])
  batch(() => {
    profile.value = who
    if (its) organization.value = its
    wasMember.value = who.org != null
    signedOut.value = false
  })
}

/** The member's organization, asked for before it is known whether there is one. */
export function askOrganization(): Promise<Organization> {
  const asked = body(GET('/orgs/me'))
  // Who awaits it is told of a failure.
  asked.catch(() => {})
  return asked
}

export async function loadOrganization(asked?: Promise<Organization>): Promise<void> {
  const slug = visiting.value
  organization.value =
    slug !== null
      ? await body(GET('/orgs/{slug}', { params: { path: { slug } } }))
      : profile.value?.org
        ? await (asked ?? askOrganization())
        : null
}

export async function signIn(email: string, password: string): Promise<void> {
  await body(POST('/auth/login', { body: { email, password } }))
  const before = profile.value?.id
  // Nothing is shown yet: the page begins as if the session had been there.
  if (before === undefined) return
  await loadProfile()
  // Another member must not see what the one before had open.
  if (before !== profile.value?.id) location.reload()
}

export async function signOut(): Promise<void> {
  await body(POST('/auth/logout')).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 401)) throw error
  })
  wasMember.value = false
  location.reload()
}

listeners.signedOut = () => {
  signedOut.value = true
  wasMember.value = false
}
listeners.connected = is => (connected.value = is)

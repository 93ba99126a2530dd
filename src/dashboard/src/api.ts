import createClient from 'openapi-fetch'
import type { components, paths } from '../build/api'

type Schemas = components['schemas']
export type ApiKey = Schemas['ApiKeyDescription']
export type AuditEvent = Schemas['ListAuditEventsItem']
export type Chat = Schemas['Chat']
export type ChatRow = Schemas['ListChatsItem']
export type Conversations = Schemas['ConversationsResponse']
export type Delivery = Schemas['Delivery']
export type Erasure = Schemas['Erasure']
export type Export = Schemas['Export']
export type Feedback = Schemas['Feedback']
export type Message = Schemas['Message']
export type NewWebhook = Schemas['NewWebhook']
export type Organization = Schemas['Organization']
export type Profile = Schemas['Profile']
export type Rating = Schemas['Rating']
export type Summary = Schemas['SummaryResponse']
export type Webhook = Schemas['Webhook']
type Problem = Schemas['Problem']

/** Where the service is: the script is served at `<service>/app/assets/`. */
export const service = new URL(/* @vite-ignore */ '../..', import.meta.url).href.replace(/\/$/, '')

/** A refused request, in the service's words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
    readonly retryAfter: number | null,
  ) {
    super(problem.detail ?? problem.title ?? String(status))
  }

  /** The fields that were refused, each with its sentences. */
  get fields(): Record<string, string[]> {
    return (this.problem.errors ?? {}) as Record<string, string[]>
  }
}

/** A request without a response: the service or the network is away. */
export class ConnectionError extends Error {}

/** Told of each response without a session (401) and of each lost or regained connection. */
export const listeners = { signedOut: () => {}, connected: (_: boolean) => {} }

const client = createClient<paths>({
  baseUrl: service,
  credentials: 'same-origin',
  querySerializer: { array: { style: 'form', explode: true } },
  fetch: async request => {
    try {
      const response = await fetch(request)
      listeners.connected(true)
      return response
    } catch (error) {
      if (request.signal.aborted) throw error
      listeners.connected(false)
      throw new ConnectionError()
    }
  },
})

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** The body of an answer. A refusal is thrown as an ApiError. */
export async function body<T>(answer: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answer
  if (response.ok) return data as T
  if (response.status === 401 && !response.url.endsWith('/auth/login')) listeners.signedOut()
  const seconds = Number(response.headers.get('Retry-After'))
  throw new ApiError(
    response.status,
    typeof error === 'object' && error !== null ? (error as Partial<Problem>) : {},
    seconds > 0 ? seconds : null,
  )
}

export const { GET, POST, PATCH, DELETE } = client

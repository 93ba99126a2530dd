import { type Signal, batch, useSignal, useSignalEffect } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import { ConnectionError } from '../api'
import { connected } from '../session'

/** Tries again what had no connection, as soon as there is one. */
export function useHealing(error: Signal<Error | null>, retry: () => void): void {
  const latest = useRef(retry)
  latest.current = retry
  useSignalEffect(() => {
    if (connected.value && error.peek() instanceof ConnectionError) latest.current()
  })
}

export type Resource<T> = {
  data: Signal<T | null>
  error: Signal<Error | null>
  loading: Signal<boolean>
  reload: () => void
}

/** Loads something whenever the key changes. What was there stays until the new is there; an answer to an older key is dropped. */
export function useResource<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const data = useSignal<T | null>(null)
  const error = useSignal<Error | null>(null)
  const loading = useSignal(true)
  const running = useRef<AbortController | null>(null)
  const latest = useRef(load)
  latest.current = load

  const reload = useCallback(() => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    loading.value = true
    latest.current(controller.signal).then(
      value => {
        if (controller.signal.aborted) return
        batch(() => {
          data.value = value
          error.value = null
          loading.value = false
        })
      },
      (reason: unknown) => {
        if (controller.signal.aborted) return
        batch(() => {
          error.value = reason instanceof Error ? reason : new Error(String(reason))
          loading.value = false
        })
      },
    )
  }, [])

  useEffect(() => {
    reload()
    return () => running.current?.abort()
  }, [key])

  useHealing(error, reload)
  return { data, error, loading, reload }
}

import { batch, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../text'
import { Button, Failure, Skeleton } from './basics'
import { useHealing } from './resource'

type Page<T> = { items: T[]; nextCursor?: string | null }

/** A list that comes in pages; `reload` asks for as many rows again as are shown. */
export function usePages<T>(key: string, load: (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>) {
  const items = useSignal<T[] | null>(null)
  const cursor = useSignal<string | null>(null)
  const error = useSignal<Error | null>(null)
  const loading = useSignal(false)
  const running = useRef<AbortController | null>(null)
  const latest = useRef(load)
  latest.current = load

  const run = async (start: string | null, atLeast: number) => {
    running.current?.abort()
    const controller = (running.current = new AbortController())
    loading.value = true
    try {
      const found: T[] = start === null ? [] : [...(items.value ?? [])]
      let next = start
      do {
        const page = await latest.current(next, controller.signal)
        found.push(...page.items)
        next = page.nextCursor ?? null
      } while (next !== null && found.length < atLeast)
      if (controller.signal.aborted) return
      batch(() => {
        items.value = found
        cursor.value = next
        error.value = null
        loading.value = false
      })
    } catch (reason) {
      if (controller.signal.aborted) return
      batch(() => {
        error.value = reason as Error
        loading.value = false
      })
    }
  }
  useEffect(() => {
    items.value = null
    void run(null, 0)
    return () => running.current?.abort()
  }, [key])

  useHealing(error, () => void run(null, items.value?.length ?? 0))

  return {
    items,
    error,
    loading,
    hasMore: cursor.value !== null,
    more: () => void run(cursor.value, 0),
    reload: () => run(null, items.value?.length ?? 0),
  }
}

/** What stands below a list: what went wrong, or the way to more. */
export function PagesEnd<T>({ pages }: { pages: ReturnType<typeof usePages<T>> }) {
  if (pages.error.value) return <Failure error={pages.error.value} retry={() => void pages.reload()} />
  if (pages.items.value === null) return <Skeleton rows={5} />
  return pages.hasMore ? (
    <p>
      <Button busy={pages.loading.value} onClick={pages.more}>
        {t.more}
      </Button>
    </p>
  ) : null
}

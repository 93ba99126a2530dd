import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'

/** Rows beyond the visible ones that exist, on each side. */
const margin = 8

/** A list of rows of one height, of which only those in view exist. `end` is called when the last rows come near. */
export function VirtualList<T>({
  items,
  rowHeight,
  row,
  end,
  label,
  scrollTo,
  children,
}: {
  items: readonly T[]
  /** In rem, so that rows grow with the reader's text size. */
  rowHeight: number
  row: (item: T, index: number) => ComponentChildren
  end: () => void
  label: string
  /** The row to keep in view. */
  scrollTo: number
  children?: ComponentChildren
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const height = rowHeight * parseFloat(getComputedStyle(document.documentElement).fontSize)
  // No more than what can be seen, until it is.
  const range = useSignal({ from: 0, to: Math.ceil(innerHeight / height) })

  const measure = () => {
    const element = scroller.current
    if (!element) return
    const from = Math.max(0, Math.floor(element.scrollTop / height) - margin)
    const to = Math.ceil((element.scrollTop + element.clientHeight) / height) + margin
    if (from !== range.value.from || to !== range.value.to) range.value = { from, to }
    if (to >= items.length) end()
  }
  const latest = useRef(measure)
  latest.current = measure
  useEffect(() => {
    const observer = new ResizeObserver(() => latest.current())
    observer.observe(scroller.current!)
    return () => observer.disconnect()
  }, [])
  useEffect(measure, [items.length])
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element || scrollTo < 0) return
    const top = scrollTo * height
    if (top < element.scrollTop) element.scrollTop = top
    else if (top + height > element.scrollTop + element.clientHeight) element.scrollTop = top + height - element.clientHeight
  }, [scrollTo])

  const { from, to } = range.value
  return (
    <div class="scroll" ref={scroller} onScroll={measure}>
      <ul class="virtual" aria-label={label} style={{ height: `${items.length * height}px` }}>
        {items.slice(from, to).map((item, at) => (
          <li key={from + at} style={{ transform: `translateY(${(from + at) * height}px)`, height: `${height}px` }}>
            {row(item, from + at)}
          </li>
        ))}
      </ul>
      {children}
    </div>
  )
}

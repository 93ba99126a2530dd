import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { theme } from '../../preferences'
import { t } from '../../text'
import { addDays } from '../../time'
import { Button, Menu } from '../../ui/basics'
import { Icon } from '../../ui/icons'

export type Series = {
  label: string
  values: (number | null)[]
  /** Of the time before, drawn dashed. */
  isBefore?: boolean
  /** A second colour, for a second measure. */
  isSecond?: boolean
}

const height = 200

/** The distances between lines of a chart: what is counted, and milliseconds, have no half. */
const steps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat()

/** As wide as the longest number at the axis. */
const widest: uPlot.Axis.Size = (plot, values) =>
  Math.max(32, ...(values ?? []).map(value => Math.ceil(plot.ctx.measureText(value).width / devicePixelRatio) + 18))

/** A download of something that was made in the page. */
export function save(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

// A cell that a spreadsheet would run is told to be text; so does the service in its exports.
const cell = (value: string) =>
  /^[=+\-@\t\r]/.test(value) ? `'${value}` : /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value

/** One line or more over days, with the same numbers as a table behind it. */
export function Chart({
  title,
  days,
  series,
  format,
  bars,
  open,
}: {
  title: string
  days: string[]
  series: Series[]
  format: (value: number) => string
  bars?: boolean
  /** Called with the day that was clicked. */
  open: (day: string) => void
}) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const isTable = useSignal(false)
  const tip = useSignal<{ index: number; left: number } | null>(null)

  useEffect(() => {
    const element = place.current
    if (!element || isTable.value) return
    // Resolved by the browser, as a canvas knows no variables.
    const probe = (name: string) => {
      element.style.color = `var(--${name})`
      const color = getComputedStyle(element).color
      element.style.color = ''
      return color
    }
    const [accent, second, muted, line] = [probe('accent'), probe('second'), probe('muted'), probe('line')]
    const font = `12px ${getComputedStyle(element).fontFamily}`
    const barPaths = uPlot.paths.bars!({ size: [0.7, 40], radius: 0.15 })
    const axis: uPlot.Axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
    plot.current = new uPlot(
      {
        width: element.clientWidth,
        height,
        // Half of a date may stand beyond the last day.
        padding: [10, 16, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
        scales: {
          x: { time: false, range: (_, min, max) => [min - 0.5, max + 0.5] },
          y: { range: (_, __, max) => [0, Math.max(max, 1) * 1.08] },
        },
        axes: [
          {
            ...axis,
            size: 34,
            grid: { show: false },
            space: 64,
            incrs: [1, 2, 3, 7, 14, 30, 60, 90],
            values: (_, splits) => splits.map(at => (Number.isInteger(at) && days[at] ? shortDay(days[at]) : '')),
          },
          { ...axis, size: widest, space: 36, incrs: steps, values: (_, splits) => splits.map(value => format(value)) },
        ],
        series: [
          {},
          ...series.map(each => ({
            label: each.label,
            stroke: each.isSecond ? second : each.isBefore ? muted : accent,
            width: each.isBefore ? 1.5 : 2,
            ...(each.isBefore && { dash: [4, 4] }),
            ...(bars && !each.isBefore && { fill: accent, paths: barPaths, points: { show: false }, width: 0 }),
            ...(!bars &&
              !each.isBefore && {
                points: { show: each.values.filter(value => value !== null).length < 3, size: 6, fill: each.isSecond ? second : accent },
              }),
            ...(each.isBefore && { points: { show: false } }),
            spanGaps: false,
          })),
        ],
        hooks: {
          setCursor: [
            plot => {
              const index = plot.cursor.idx
              tip.value =
                index == null || (plot.cursor.left ?? -1) < 0
                  ? null
                  : { index, left: plot.valToPos(index, 'x') + plot.bbox.left / devicePixelRatio }
            },
          ],
        },
      },
      [days.map((_, at) => at), ...series.map(each => each.values)] as uPlot.AlignedData,
      element,
    )
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.current?.destroy()
      plot.current = null
      tip.value = null
    }
  }, [days, JSON.stringify(series), isTable.value, theme.value])

  const csv = () => {
    const rows = [
      [t.overview.day, ...series.map(each => each.label)],
      ...days.map((day, at) => [day, ...series.map(each => String(each.values[at] ?? ''))]),
    ]
    save(new Blob([rows.map(row => row.map(cell).join(',')).join('\r\n')], { type: 'text/csv' }), `${title}.csv`)
  }
  const png = () => {
    const canvas = plot.current?.ctx.canvas
    if (!canvas) return
    const copy = new OffscreenCanvas(canvas.width, canvas.height)
    const context = copy.getContext('2d')!
    context.fillStyle = getComputedStyle(document.documentElement).backgroundColor
    context.fillRect(0, 0, copy.width, copy.height)
    context.drawImage(canvas, 0, 0)
    void copy.convertToBlob().then(blob => save(blob, `${title}.png`))
  }

  return (
    <section class="card-box chart" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {series.length > 1 && (
          <ul class="legend">
            {series.map(each => (
              <li key={each.label} class={each.isBefore ? 'before' : each.isSecond ? 'second' : ''}>
                {each.label}
              </li>
            ))}
          </ul>
        )}
        <Menu label={t.more} icon="more">
          <button type="button" onClick={() => (isTable.value = !isTable.value)}>
            <Icon name="log" /> {isTable.value ? t.overview.asChart : t.overview.asTable}
          </button>
          {!isTable.value && (
            <button type="button" onClick={png}>
              <Icon name="image" /> {t.overview.savePng}
            </button>
          )}
          <button type="button" onClick={csv}>
            <Icon name="exports" /> {t.overview.saveCsv}
          </button>
        </Menu>
      </header>
      {isTable.value ? (
        <div class="table-scroll scroll" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.overview.day}</th>
                {series.map(each => (
                  <th key={each.label} scope="col" class="number">
                    {each.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days.map((day, at) => (
                <tr key={day}>
                  <th scope="row">
                    <Button kind="quiet" onClick={() => open(day)}>
                      {shortDay(day)}
                    </Button>
                  </th>
                  {series.map(each => (
                    <td key={each.label} class="number">
                      {each.values[at] == null ? '–' : format(each.values[at])}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div class="plot">
          {/* The table tells the same to who does not see the chart. */}
          <div
            ref={place}
            aria-hidden="true"
            onClick={() => {
              const day = tip.value && days[tip.value.index]
              if (day) open(day)
            }}
          />
          {tip.value && (
            <div class="tip" aria-hidden="true" style={{ left: `${tip.value.left}px` }}>
              <strong>{shortDay(days[tip.value.index]!)}</strong>
              {series.map(each => (
                <span key={each.label}>
                  {each.label} <b>{each.values[tip.value!.index] == null ? '–' : format(each.values[tip.value!.index]!)}</b>
                </span>
              ))}
            </div>
          )}
        </div>
      )}
    </section>
  )
}

const dayFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', timeZone: 'UTC' })
export const shortDay = (day: string) => dayFormat.format(new Date(`${day}T00:00:00Z`))

/** The filters of the list of chats for one day. */
export const ofDay = (day: string) => new URLSearchParams({ from: day, to: addDays(day, 1) })

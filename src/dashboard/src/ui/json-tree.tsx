import { t } from '../text'

const isComposite = (value: unknown): value is object => typeof value === 'object' && value !== null

/** JSON as a tree that opens level by level. */
export function JsonTree({ value, name, open }: { value: unknown; name?: string; open?: boolean }) {
  if (!isComposite(value))
    return (
      <div class="json-leaf">
        {name !== undefined && <span class="json-name">{name}: </span>}
        <span class={`json-${value === null ? 'null' : typeof value}`}>{JSON.stringify(value)}</span>
      </div>
    )
  const entries = Object.entries(value)
  const summary = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`
  return (
    <details class="json" open={open}>
      <summary>
        {name !== undefined && <span class="json-name">{name} </span>}
        <span class="json-size">{summary}</span>
      </summary>
      <div>
        {entries.slice(0, 500).map(([key, each]) => (
          <JsonTree key={key} name={key} value={each} />
        ))}
        {entries.length > 500 && <div class="json-leaf">… {t.more}</div>}
      </div>
    </details>
  )
}

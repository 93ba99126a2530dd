import type { ComponentChildren } from 'preact'
import { t } from '../text'

export type Column<T> = {
  title: string
  cell: (row: T) => ComponentChildren
  /** What names the row: it may be long, and stands first where the page is narrow. */
  isName?: boolean
}

/** Rows below titles; on a narrow page each row stands by itself, with a title before each value. */
export function Table<T extends { id: string }>({
  rows,
  columns,
  actions,
  isInBox,
}: {
  rows: readonly T[]
  columns: Column<T>[]
  /** What can be done with a row. */
  actions?: (row: T) => ComponentChildren
  /** Whether there is a box around it already. */
  isInBox?: boolean
}) {
  // Its roles are told, as browsers forget them where rows are no longer laid out as a table.
  return (
    <div class={`table-scroll stacking ${isInBox ? '' : 'card-box'}`} tabIndex={0}>
      <table class="wide-table" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title }) => (
              <th key={title} scope="col" role="columnheader">
                {title}
              </th>
            ))}
            {actions && (
              <th scope="col" role="columnheader">
                <span class="visually-hidden">{t.more}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(row => (
            <tr key={row.id} role="row">
              {columns.map(({ title, cell, isName }) => (
                <td key={title} role="cell" class={isName ? 'name' : undefined} data-title={title}>
                  {cell(row)}
                </td>
              ))}
              {actions && (
                <td role="cell" class="row-actions">
                  {actions(row)}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

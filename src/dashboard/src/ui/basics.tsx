import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { ApiError, ConnectionError } from '../api'
import { t } from '../text'
import { ago, full } from '../time'
import { Icon, type IconName } from './icons'

type ButtonProps = JSX.IntrinsicElements['button'] & { icon?: IconName; kind?: 'primary' | 'danger' | 'quiet'; busy?: boolean }

export const Button = ({ icon, kind, busy, children, class: extra, ...rest }: ButtonProps) => (
  <button
    type="button"
    {...rest}
    class={`button ${kind ?? ''} ${extra ?? ''}`}
    aria-busy={busy ? 'true' : undefined}
    disabled={rest.disabled || busy}
  >
    {icon && <Icon name={icon} />}
    {children}
  </button>
)

/** A button that shows only a picture; its name is read out and shown as a tooltip. */
export const IconButton = ({ icon, label, class: extra, ...rest }: JSX.IntrinsicElements['button'] & { icon: IconName; label: string }) => (
  <button type="button" {...rest} class={`icon-button ${extra ?? ''}`} aria-label={label} title={label}>
    <Icon name={icon} />
  </button>
)

/** How long ago; the exact time is its tooltip, made when the pointer comes. */
export const Ago = ({ at }: { at: string }) => (
  <time dateTime={at} onMouseEnter={event => (event.currentTarget.title = full(at))}>
    {ago(at)}
  </time>
)

export const Spinner = () => (
  <span class="spinner" role="status">
    <span class="visually-hidden">{t.loading}</span>
  </span>
)

/** Grey lines in the place of what is loading. */
export const Skeleton = ({ rows, kind = 'line' }: { rows: number; kind?: 'line' | 'row' | 'bubble' }) => (
  <div class={`skeleton ${kind}`} role="status">
    <span class="visually-hidden">{t.loading}</span>
    {Array.from({ length: rows }, (_, at) => (
      <span key={at} />
    ))}
  </div>
)

export const Empty = ({
  icon,
  title,
  heading: Heading = 'h2',
  children,
}: {
  icon: IconName
  title: string
  /** h1 where it is all that the page has. */
  heading?: 'h1' | 'h2'
  children?: ComponentChildren
}) => (
  <div class="empty">
    <Icon name={icon} size={28} />
    <Heading>{title}</Heading>
    {children && <div>{children}</div>}
  </div>
)

/** What went wrong, in the service's words, with the trace to tell its operator, and a way to try again. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const trace = error instanceof ApiError ? error.problem.traceId : undefined
  return (
    <div class="failure" role="alert">
      <Icon name="warning" />
      <div>
        <p>{sentence(error)}</p>
        {error instanceof ApiError && error.retryAfter !== null && <p>{t.tryAgainIn(error.retryAfter)}</p>}
        {error instanceof ApiError &&
          Object.entries(error.fields).map(([field, sentences]) => (
            <p key={field}>
              <code>{field}</code> {sentences.join(' ')}
            </p>
          ))}
        <p class="actions">
          {retry && (
            <Button icon="refresh" onClick={retry}>
              {t.tryAgain}
            </Button>
          )}
          {trace && <CopyButton text={trace} label={t.copyTrace} />}
        </p>
      </div>
    </div>
  )
}

export const sentence = (error: Error) =>
  error instanceof ConnectionError ? t.noConnection : error instanceof ApiError ? error.message : t.unexpected(error.message)

export function CopyButton({ text, label, kind }: { text: string | (() => string | Promise<string>); label: string; kind?: 'quiet' }) {
  const done = useSignal(false)
  useEffect(() => {
    if (!done.value) return
    const timer = setTimeout(() => (done.value = false), 2000)
    return () => clearTimeout(timer)
  }, [done.value])
  return (
    <Button
      {...(kind && { kind })}
      icon={done.value ? 'check' : 'copy'}
      onClick={async () => {
        await copy(typeof text === 'string' ? text : await text())
        done.value = true
      }}
    >
      {done.value ? t.copied : label}
      <span class="visually-hidden" role="status">
        {done.value && t.copied}
      </span>
    </Button>
  )
}

export async function copy(text: string): Promise<void> {
  // A page that did not come over https or from loopback has no clipboard.
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  ;(document.querySelector('dialog[open]') ?? document.body).append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

/** A dialog over the page. Escape and a click beside it close it. */
export function Dialog({
  title,
  close,
  children,
  wide,
}: {
  title: string
  close: (() => void) | null
  children: ComponentChildren
  wide?: boolean
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={wide ? 'wide' : ''}
      aria-labelledby={id}
      onCancel={event => {
        event.preventDefault()
        close?.()
      }}
      onMouseDown={event => {
        if (event.target === dialog.current) close?.()
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          {close && <IconButton icon="close" label={t.close} onClick={close} />}
        </header>
        {children}
      </div>
    </dialog>
  )
}

/** Asks before something that cannot be undone. */
export function Confirm({
  title,
  children,
  action,
  run,
  close,
  disabled,
}: {
  title: string
  children: ComponentChildren
  action: string
  disabled?: boolean
  run: () => Promise<unknown>
  close: () => void
}) {
  const form = useSubmit(async () => {
    await run()
    close()
  })
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={form.submit}>
        {children}
        <FormFooter form={form} action={action} close={close} kind="danger" disabled={disabled ?? false} />
      </form>
    </Dialog>
  )
}

/** Runs something on submit, once at a time; a failure keeps what was typed. */
export function useSubmit(run: () => Promise<unknown>) {
  const busy = useSignal(false)
  const error = useSignal<Error | null>(null)
  const submit = async (event: Event) => {
    event.preventDefault()
    if (busy.value) return
    busy.value = true
    error.value = null
    try {
      await run()
    } catch (reason) {
      error.value = reason instanceof Error ? reason : new Error(String(reason))
    } finally {
      busy.value = false
    }
  }
  return { busy, error, submit }
}

/** The end of a form: what was refused, and the buttons. */
export const FormFooter = ({
  form,
  action,
  close,
  note,
  kind = 'primary',
  disabled = false,
}: {
  form: Pick<ReturnType<typeof useSubmit>, 'busy' | 'error'>
  /** What submitting does. */
  action: string
  /** Leaves the form; a form on a page has none. */
  close?: () => void
  /** What is told beside the buttons, such as that it is saved. */
  note?: string | false
  kind?: 'primary' | 'danger'
  disabled?: boolean
}) => (
  <>
    {form.error.value && <Failure error={form.error.value} />}
    <footer>
      {note !== undefined && (
        <span role="status" class="muted">
          {note}
        </span>
      )}
      {close && <Button onClick={close}>{t.cancel}</Button>}
      <Button kind={kind} type="submit" busy={form.busy.value} disabled={disabled}>
        {action}
      </Button>
    </footer>
  </>
)

/** A labelled input with its hint and the service's refusal of it. */
export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: string
  hint?: ComponentChildren
  error?: string[] | undefined
  children: (attributes: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': 'true' | undefined }) => ComponentChildren
}) {
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error ? 'true' : undefined })}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error.join(' ')}
        </p>
      )}
    </div>
  )
}

/** The fields that a refusal names, by name. */
export const fieldsOf = (error: Error | null): Record<string, string[]> => (error instanceof ApiError ? error.fields : {})

/** A menu below a button; a native popover, so Escape and a click elsewhere close it. */
export function Menu({
  label,
  icon,
  text,
  children,
}: {
  label: string
  icon: IconName
  text?: ComponentChildren
  children: ComponentChildren
}) {
  const id = useId().replace(/[^\w-]/g, '')
  const menu = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  // A conversation has hundreds of menus: what is in one exists while it is open.
  const isOpen = useSignal(false)
  const place = () => {
    if (!menu.current || !button.current) return
    const at = button.current.getBoundingClientRect()
    const width = menu.current.offsetWidth
    menu.current.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`
    const below = at.bottom + 4
    const height = menu.current.offsetHeight
    menu.current.style.top = `${below + height > innerHeight - 8 ? Math.max(8, at.top - height - 4) : below}px`
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        class={text ? 'button quiet' : 'icon-button'}
        popoverTarget={id}
        aria-label={text ? undefined : label}
        title={label}
      >
        <Icon name={icon} />
        {text}
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        class="menu"
        aria-label={label}
        role="group"
        onBeforeToggle={(event: Event & { newState?: string }) => {
          if (event.newState === 'open') isOpen.value = true
        }}
        onToggle={(event: Event & { newState?: string }) => {
          if (event.newState === 'open') place()
          else isOpen.value = false
        }}
        onClick={event => {
          if ((event.target as Element).closest('button, a')) menu.current?.hidePopover()
        }}
      >
        {isOpen.value && children}
      </div>
    </>
  )
}

export const Tag = ({ children }: { children: string }) => (
  <span class="tag" dir="auto">
    {children}
  </span>
)

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { ApiError } from '../api'
import { profile, signIn } from '../session'
import { t } from '../text'
import { Button, Dialog, Failure, IconButton, useSubmit } from '../ui/basics'

function Form({ email: known, done }: { email?: string; done?: () => Promise<void> }) {
  const email = useSignal(known ?? '')
  const password = useSignal('')
  const shown = useSignal(false)
  const wait = useSignal(0)
  const first = useRef<HTMLInputElement>(null)
  const form = useSubmit(async () => {
    try {
      await signIn(email.value.trim(), password.value)
      await done?.()
    } catch (error) {
      if (error instanceof ApiError && error.status === 429) wait.value = error.retryAfter ?? 60
      else password.value = ''
      throw error
    }
  })
  useEffect(() => first.current?.focus(), [])
  useEffect(() => {
    if (wait.value === 0) return
    const timer = setTimeout(() => wait.value--, 1000)
    return () => clearTimeout(timer)
  }, [wait.value])

  return (
    <form onSubmit={form.submit}>
      <div class="field">
        <label for="email">{t.signIn.email}</label>
        <input
          id="email"
          ref={known ? undefined : first}
          name="email"
          type="email"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          readOnly={known !== undefined}
          value={email.value}
          onInput={event => (email.value = event.currentTarget.value)}
        />
      </div>
      <div class="field">
        <label for="password">{t.signIn.password}</label>
        <div class="with-button">
          <input
            id="password"
            ref={known ? first : undefined}
            name="password"
            {...({ type: shown.value ? 'text' : 'password' } as { type: 'password' })}
            autocomplete="current-password"
            required
            value={password.value}
            onInput={event => (password.value = event.currentTarget.value)}
          />
          <IconButton
            icon={shown.value ? 'hide' : 'show'}
            label={shown.value ? t.signIn.hide : t.signIn.show}
            aria-pressed={shown.value}
            onClick={() => (shown.value = !shown.value)}
          />
        </div>
      </div>
      {wait.value > 0 ? (
        <p class="notice" role="alert">
          {t.signIn.wait(wait.value)}
        </p>
      ) : (
        form.error.value && <Failure error={form.error.value} />
      )}
      <Button type="submit" kind="primary" busy={form.busy.value} disabled={wait.value > 0}>
        {t.signIn.submit}
      </Button>
    </form>
  )
}

export const SignIn = ({ done }: { done: () => Promise<void> }) => (
  <main class="sign-in" id="content">
    <div class="card">
      <div class="mark" aria-hidden="true" />
      <h1>{t.signIn.title}</h1>
      <Form done={done} />
    </div>
  </main>
)

/** Over the page whose session has ended. */
export const SignInAgain = () => (
  <Dialog title={t.signIn.again} close={null}>
    <div class="sign-in-again">
      <p>{t.signIn.ended}</p>
      <Form {...(profile.value && { email: profile.value.email })} />
    </div>
  </Dialog>
)

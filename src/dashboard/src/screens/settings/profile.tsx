import { useSignal } from '@preact/signals'
import { PATCH, body } from '../../api'
import { profile } from '../../session'
import { t } from '../../text'
import { Field, FormFooter, fieldsOf, useSubmit } from '../../ui/basics'
import { Sessions } from './sessions'

export function Profile() {
  return (
    <>
      <Person />
      <Password />
      <Sessions />
    </>
  )
}

function Person() {
  const me = profile.value!
  const name = useSignal(me.name ?? '')
  const email = useSignal(me.email)
  const current = useSignal('')
  const saved = useSignal(false)
  const changesEmail = email.value.trim() !== me.email
  const form = useSubmit(async () => {
    saved.value = false
    profile.value = await body(
      PATCH('/users/me', {
        body: { name: name.value.trim(), ...(changesEmail && { email: email.value.trim(), currentPassword: current.value }) },
      }),
    )
    current.value = ''
    saved.value = true
  })
  const refused = fieldsOf(form.error.value)
  return (
    <form class="card-box settings-form" onSubmit={form.submit}>
      <h2>{t.profileSettings.person}</h2>
      <Field label={t.profileSettings.name} error={refused['name']}>
        {a => (
          <input {...a} dir="auto" autocomplete="name" value={name.value} onInput={event => (name.value = event.currentTarget.value)} />
        )}
      </Field>
      <Field label={t.signIn.email} error={refused['email']}>
        {a => (
          <input
            {...a}
            type="email"
            autocomplete="username"
            required
            value={email.value}
            onInput={event => (email.value = event.currentTarget.value)}
          />
        )}
      </Field>
      {changesEmail && (
        <Field label={t.profileSettings.current} hint={t.profileSettings.currentHint} error={refused['currentPassword']}>
          {a => (
            <input
              {...a}
              type="password"
              autocomplete="current-password"
              required
              value={current.value}
              onInput={event => (current.value = event.currentTarget.value)}
            />
          )}
        </Field>
      )}
      <FormFooter form={form} action={t.save} note={saved.value && t.saved} />
    </form>
  )
}

function Password() {
  const current = useSignal('')
  const next = useSignal('')
  const saved = useSignal(false)
  const form = useSubmit(async () => {
    saved.value = false
    await body(PATCH('/users/me', { body: { currentPassword: current.value, newPassword: next.value } }))
    current.value = next.value = ''
    saved.value = true
  })
  const refused = fieldsOf(form.error.value)
  return (
    <form class="card-box settings-form" onSubmit={form.submit}>
      <h2>{t.profileSettings.password}</h2>
      <input
        type="text"
        class="visually-hidden"
        tabIndex={-1}
        aria-hidden="true"
        autocomplete="username"
        readOnly
        value={profile.value!.email}
      />
      <Field label={t.profileSettings.current} error={refused['currentPassword']}>
        {a => (
          <input
            {...a}
            type="password"
            autocomplete="current-password"
            required
            value={current.value}
            onInput={event => (current.value = event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label={t.profileSettings.next} hint={t.profileSettings.nextHint} error={refused['newPassword']}>
        {a => (
          <input
            {...a}
            type="password"
            autocomplete="new-password"
            required
            value={next.value}
            onInput={event => (next.value = event.currentTarget.value)}
          />
        )}
      </Field>
      <FormFooter form={form} action={t.profileSettings.changePassword} note={saved.value && t.saved} />
    </form>
  )
}

import { useSignal } from '@preact/signals'
import { DELETE, GET, PATCH, POST, type Profile, body } from '../../api'
import { org, profile } from '../../session'
import { t } from '../../text'
import { date } from '../../time'
import { Button, Confirm, Dialog, Failure, Field, Menu, fieldsOf, useSubmit } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { PagesEnd, usePages } from '../../ui/pages'
import { Once } from './keys'

const roles = ['viewer', 'user', 'admin'] as const
type Role = (typeof roles)[number]

/** Twenty characters without those that are mistaken for others: more than 110 bits. */
function password(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  const limit = 256 - (256 % alphabet.length)
  let made = ''
  while (made.length < 20)
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) if (byte < limit && made.length < 20) made += alphabet[byte % alphabet.length]
  return made
}

export function Members() {
  const pages = usePages(org.value, (cursor, signal) =>
    body(GET('/orgs/{org}/users', { params: { path: { org: org.value }, query: { limit: 100, ...(cursor && { cursor }) } }, signal })),
  )
  const inviting = useSignal(false)
  const changing = useSignal<Profile | null>(null)
  const confirming = useSignal<{ member: Profile; what: 'disable' | 'remove' | 'password' } | null>(null)
  const shown = useSignal<string | null>(null)
  const rows = pages.items.value ?? []
  const change = async (member: Profile, to: { role?: Role; disabled?: boolean; password?: string }) => {
    await body(PATCH('/orgs/{org}/users/{userId}', { params: { path: { org: org.value, userId: member.id } }, body: to }))
    await pages.reload()
  }

  return (
    <>
      <div class="section-head">
        <p class="muted">{t.membersSettings.intro}</p>
        <Button kind="primary" icon="plus" onClick={() => (inviting.value = true)}>
          {t.membersSettings.invite}
        </Button>
      </div>
      {rows.length > 0 && (
        <div class="card-box table-scroll" tabIndex={0}>
          <table class="wide-table">
            <thead>
              <tr>
                <th scope="col">{t.membersSettings.member}</th>
                <th scope="col">{t.membersSettings.role}</th>
                <th scope="col">{t.keysSettings.state}</th>
                <th scope="col">{t.membersSettings.since}</th>
                <th scope="col">
                  <span class="visually-hidden">{t.more}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map(member => (
                <tr key={member.id}>
                  <td class="wrap">
                    <strong dir="auto">{member.name ?? member.email}</strong>
                    {member.id === profile.value?.id && <span class="muted"> {t.membersSettings.you}</span>}
                    {member.name && <p class="muted">{member.email}</p>}
                  </td>
                  <td>{t.roles[member.role]}</td>
                  <td>
                    <span class={`state ${member.status}`}>{t.membersSettings.states[member.status]}</span>
                  </td>
                  <td>{date(member.createdAt)}</td>
                  <td>
                    <Menu label={`${t.more}: ${member.email}`} icon="more">
                      <button type="button" onClick={() => (changing.value = member)}>
                        <Icon name="edit" /> {t.membersSettings.change}
                      </button>
                      <button type="button" onClick={() => (confirming.value = { member, what: 'password' })}>
                        <Icon name="key" /> {t.membersSettings.newPassword}
                      </button>
                      <button
                        type="button"
                        onClick={() =>
                          member.status === 'disabled' ? void change(member, { disabled: false }) : (confirming.value = { member, what: 'disable' })
                        }
                      >
                        <Icon name={member.status === 'disabled' ? 'check' : 'close'} />
                        {member.status === 'disabled' ? t.membersSettings.enable : t.membersSettings.disable}
                      </button>
                      <button type="button" class="danger" onClick={() => (confirming.value = { member, what: 'remove' })}>
                        <Icon name="trash" /> {t.membersSettings.remove}
                      </button>
                    </Menu>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <PagesEnd pages={pages} />
      {inviting.value && (
        <Invite
          close={() => (inviting.value = false)}
          made={secret => {
            inviting.value = false
            shown.value = secret
            void pages.reload()
          }}
        />
      )}
      {changing.value && (
        <Change
          member={changing.value}
          close={() => (changing.value = null)}
          save={async role => {
            await change(changing.value!, { role })
            changing.value = null
          }}
        />
      )}
      {confirming.value && (
        <Confirm
          title={t.membersSettings.confirm[confirming.value.what].title(confirming.value.member.name ?? confirming.value.member.email)}
          action={t.membersSettings.confirm[confirming.value.what].action}
          close={() => (confirming.value = null)}
          run={async () => {
            const { member, what } = confirming.value!
            if (what === 'disable') await change(member, { disabled: true })
            else if (what === 'password') {
              const secret = password()
              await change(member, { password: secret })
              shown.value = secret
            } else {
              await body(DELETE('/orgs/{org}/users/{userId}', { params: { path: { org: org.value, userId: member.id } } }))
              await pages.reload()
            }
          }}
        >
          <p>{t.membersSettings.confirm[confirming.value.what].text}</p>
        </Confirm>
      )}
      {shown.value && <Once title={t.membersSettings.password} secret={shown.value} text={t.membersSettings.once} close={() => (shown.value = null)} />}
    </>
  )
}

const Roles = ({ value, choose }: { value: Role; choose: (role: Role) => void }) => (
  <fieldset class="checks">
    <legend>{t.membersSettings.role}</legend>
    {roles.map(role => (
      <label key={role} class="check">
        <input type="radio" name="role" checked={value === role} onChange={() => choose(role)} />
        <span>
          <b>{t.roles[role]}</b> <span class="muted">{t.membersSettings.roleHints[role]}</span>
        </span>
      </label>
    ))}
  </fieldset>
)

function Invite({ close, made }: { close: () => void; made: (secret: string) => void }) {
  const email = useSignal('')
  const name = useSignal('')
  const role = useSignal<Role>('viewer')
  const form = useSubmit(async () => {
    const secret = password()
    await body(
      POST('/orgs/{org}/users', {
        params: { path: { org: org.value } },
        body: { email: email.value.trim(), role: role.value, password: secret, ...(name.value.trim() && { name: name.value.trim() }) },
      }),
    )
    made(secret)
  })
  const refused = fieldsOf(form.error.value)
  return (
    <Dialog title={t.membersSettings.invite} close={close}>
      <form onSubmit={form.submit}>
        <Field label={t.signIn.email} error={refused['email']}>
          {a => <input {...a} type="email" autocomplete="off" required value={email.value} onInput={event => (email.value = event.currentTarget.value)} />}
        </Field>
        <Field label={t.profileSettings.name} error={refused['name']}>
          {a => <input {...a} autocomplete="off" dir="auto" value={name.value} onInput={event => (name.value = event.currentTarget.value)} />}
        </Field>
        <Roles value={role.value} choose={chosen => (role.value = chosen)} />
        <p class="hint">{t.membersSettings.inviteHint}</p>
        {form.error.value && <Failure error={form.error.value} />}
        <footer>
          <Button onClick={close}>{t.cancel}</Button>
          <Button kind="primary" type="submit" busy={form.busy.value}>
            {t.membersSettings.invite}
          </Button>
        </footer>
      </form>
    </Dialog>
  )
}

function Change({ member, close, save }: { member: Profile; close: () => void; save: (role: Role) => Promise<void> }) {
  const role = useSignal(member.role as Role)
  const form = useSubmit(() => save(role.value))
  return (
    <Dialog title={member.name ?? member.email} close={close}>
      <form onSubmit={form.submit}>
        <Roles value={role.value} choose={chosen => (role.value = chosen)} />
        {form.error.value && <Failure error={form.error.value} />}
        <footer>
          <Button onClick={close}>{t.cancel}</Button>
          <Button kind="primary" type="submit" busy={form.busy.value}>
            {t.save}
          </Button>
        </footer>
      </form>
    </Dialog>
  )
}

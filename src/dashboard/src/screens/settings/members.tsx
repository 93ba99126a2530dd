import { useSignal } from '@preact/signals'
import { DELETE, GET, PATCH, POST, type Profile, body } from '../../api'
import { org, profile } from '../../session'
import { t } from '../../text'
import { date } from '../../time'
import { Button, Confirm, Dialog, Field, FormFooter, Menu, fieldsOf, useSubmit } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { PagesEnd, usePages } from '../../ui/pages'
import { Table } from '../../ui/table'
import { Once } from './keys'

const roles = ['viewer', 'user', 'admin'] as const
type Role = (typeof roles)[number]

/** Twenty characters without those that are mistaken for others: more than 110 bits. */
function password(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  const limit = 256 - (256 % alphabet.length)
  let made = ''
  while (made.length < 20)
    for (const byte of crypto.getRandomValues(new Uint8Array(32)))
      if (byte < limit && made.length < 20) made += alphabet[byte % alphabet.length]
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
        <Table
          rows={rows}
          columns={[
            {
              title: t.membersSettings.member,
              isName: true,
              cell: member => (
                <>
                  <strong dir="auto">{member.name ?? member.email}</strong>
                  {member.id === profile.value?.id && <span class="muted"> {t.membersSettings.you}</span>}
                  {member.name && <p class="muted">{member.email}</p>}
                </>
              ),
            },
            { title: t.membersSettings.role, cell: member => t.roles[member.role] },
            {
              title: t.keysSettings.state,
              cell: member => <span class={`state ${member.status}`}>{t.membersSettings.states[member.status]}</span>,
            },
            { title: t.membersSettings.since, cell: member => date(member.createdAt) },
          ]}
          actions={member => (
            <Menu label={`${t.more}: ${member.email}`} icon="more">
              <button type="button" onClick={() => (changing.value = member)}>
                <Icon name="edit" /> {t.membersSettings.change}
              </button>
              <button type="button" onClick={() => (confirming.value = { member, what: 'password' })}>
                <Icon name="key" /> {t.membersSettings.newPassword}
              </button>
              {member.status === 'disabled' ? (
                <button
                  type="button"
                  onClick={() => change(member, { disabled: false }).catch((error: Error) => (pages.error.value = error))}
                >
                  <Icon name="check" /> {t.membersSettings.enable}
                </button>
              ) : (
                <button type="button" onClick={() => (confirming.value = { member, what: 'disable' })}>
                  <Icon name="close" /> {t.membersSettings.disable}
                </button>
              )}
              <button type="button" class="danger" onClick={() => (confirming.value = { member, what: 'remove' })}>
                <Icon name="trash" /> {t.membersSettings.remove}
              </button>
            </Menu>
          )}
        />
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
      {shown.value && (
        <Once title={t.membersSettings.password} secret={shown.value} text={t.membersSettings.once} close={() => (shown.value = null)} />
      )}
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
          {a => (
            <input
              {...a}
              type="email"
              autocomplete="off"
              required
              value={email.value}
              onInput={event => (email.value = event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label={t.profileSettings.name} error={refused['name']}>
          {a => (
            <input {...a} autocomplete="off" dir="auto" value={name.value} onInput={event => (name.value = event.currentTarget.value)} />
          )}
        </Field>
        <Roles value={role.value} choose={chosen => (role.value = chosen)} />
        <p class="hint">{t.membersSettings.inviteHint}</p>
        <FormFooter form={form} action={t.membersSettings.invite} close={close} />
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
        <FormFooter form={form} action={t.save} close={close} />
      </form>
    </Dialog>
  )
}

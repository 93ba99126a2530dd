import { useSignal } from '@preact/signals'
import { DELETE, GET, type Organization, PATCH, POST, body } from '../../api'
import { href } from '../../router'
import { t } from '../../text'
import { date } from '../../time'
import { Button, Confirm, Dialog, Empty, Field, FormFooter, Menu, fieldsOf, useSubmit } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { PagesEnd, usePages } from '../../ui/pages'
import { Table } from '../../ui/table'

export default function Organizations() {
  const pages = usePages('', (cursor, signal) =>
    body(GET('/orgs', { params: { query: { limit: 100, ...(cursor && { cursor }) } }, signal })),
  )
  const making = useSignal(false)
  const renaming = useSignal<Organization | null>(null)
  const deleting = useSignal<Organization | null>(null)
  const rows = pages.items.value ?? []
  return (
    <div class="page">
      <header>
        <h1>{t.screens.organizations}</h1>
        <span class="spacer" />
        <Button kind="primary" icon="plus" onClick={() => (making.value = true)}>
          {t.organizations.make}
        </Button>
      </header>
      {pages.items.value?.length === 0 && <Empty icon="organizations" title={t.organizations.none} />}
      {rows.length > 0 && (
        <Table
          rows={rows}
          columns={[
            {
              title: t.organizationSettings.name,
              isName: true,
              cell: each => (
                <a href={href(['o', each.slug, 'chats'])} dir="auto">
                  {each.name}
                </a>
              ),
            },
            { title: t.organizationSettings.slug, cell: each => <code>{each.slug}</code> },
            { title: t.organizationSettings.zone, cell: each => each.settings.timeZone },
            { title: t.organizationSettings.since, cell: each => date(each.createdAt) },
          ]}
          actions={each => (
            <Menu label={`${t.more}: ${each.name}`} icon="more">
              <a href={href(['o', each.slug, 'chats'])}>
                <Icon name="next" /> {t.organizations.enter}
              </a>
              <button type="button" onClick={() => (renaming.value = each)}>
                <Icon name="edit" /> {t.organizations.rename}
              </button>
              <button type="button" class="danger" onClick={() => (deleting.value = each)}>
                <Icon name="trash" /> {t.organizations.delete}
              </button>
            </Menu>
          )}
        />
      )}
      <PagesEnd pages={pages} />
      {making.value && <Make close={() => (making.value = false)} made={pages.reload} />}
      {renaming.value && <Rename organization={renaming.value} close={() => (renaming.value = null)} renamed={pages.reload} />}
      {deleting.value && <Delete organization={deleting.value} close={() => (deleting.value = null)} deleted={pages.reload} />}
    </div>
  )
}

function Make({ close, made }: { close: () => void; made: () => Promise<void> }) {
  const name = useSignal('')
  const slug = useSignal('')
  const zone = useSignal(Intl.DateTimeFormat().resolvedOptions().timeZone)
  const form = useSubmit(async () => {
    await body(POST('/orgs', { body: { name: name.value.trim(), slug: slug.value.trim(), settings: { timeZone: zone.value.trim() } } }))
    await made()
    close()
  })
  const refused = fieldsOf(form.error.value)
  return (
    <Dialog title={t.organizations.make} close={close}>
      <form onSubmit={form.submit}>
        <Field label={t.organizationSettings.name} error={refused['name']}>
          {a => <input {...a} dir="auto" required value={name.value} onInput={event => (name.value = event.currentTarget.value)} />}
        </Field>
        <Field label={t.organizationSettings.slug} hint={t.organizations.slugHint} error={refused['slug']}>
          {a => (
            <input
              {...a}
              required
              autocapitalize="none"
              spellcheck={false}
              value={slug.value}
              onInput={event => (slug.value = event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label={t.organizationSettings.zone} hint={t.organizationSettings.zoneHint} error={refused['settings.timeZone']}>
          {a => <input {...a} value={zone.value} onInput={event => (zone.value = event.currentTarget.value)} />}
        </Field>
        <FormFooter form={form} action={t.organizations.make} close={close} />
      </form>
    </Dialog>
  )
}

function Rename({ organization, close, renamed }: { organization: Organization; close: () => void; renamed: () => Promise<void> }) {
  const name = useSignal(organization.name)
  const form = useSubmit(async () => {
    await body(PATCH('/orgs/{slug}', { params: { path: { slug: organization.slug } }, body: { name: name.value.trim() } }))
    await renamed()
    close()
  })
  return (
    <Dialog title={t.organizations.rename} close={close}>
      <form onSubmit={form.submit}>
        <Field label={t.organizationSettings.name} error={fieldsOf(form.error.value)['name']}>
          {a => <input {...a} dir="auto" required value={name.value} onInput={event => (name.value = event.currentTarget.value)} />}
        </Field>
        <FormFooter form={form} action={t.save} close={close} />
      </form>
    </Dialog>
  )
}

/** Deleting has no way back: the slug is typed first. */
function Delete({ organization, close, deleted }: { organization: Organization; close: () => void; deleted: () => Promise<void> }) {
  const typed = useSignal('')
  return (
    <Confirm
      title={t.organizations.deleteTitle(organization.name)}
      action={t.organizations.delete}
      close={close}
      disabled={typed.value !== organization.slug}
      run={async () => {
        await body(DELETE('/orgs/{slug}', { params: { path: { slug: organization.slug } } }))
        await deleted()
      }}
    >
      <p>{t.organizations.deleteText}</p>
      <Field label={t.organizations.typeSlug(organization.slug)}>
        {a => (
          <input
            {...a}
            autocapitalize="none"
            autocomplete="off"
            spellcheck={false}
            value={typed.value}
            onInput={event => (typed.value = event.currentTarget.value)}
          />
        )}
      </Field>
    </Confirm>
  )
}

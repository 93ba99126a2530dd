import { useSignal } from '@preact/signals'
import { DELETE, GET, PATCH, POST, type Delivery, type NewWebhook, type Webhook, body } from '../../api'
import { org } from '../../session'
import { t } from '../../text'
import { full } from '../../time'
import { Ago, Button, Confirm, Dialog, Empty, Failure, Field, FormFooter, Menu, Tag, fieldsOf, useSubmit } from '../../ui/basics'
import { Icon } from '../../ui/icons'
import { PagesEnd, usePages } from '../../ui/pages'
import { Table } from '../../ui/table'
import { Once } from './keys'

const events = Object.keys(t.webhooksSettings.events) as Webhook['events']

const at = (webhook: Webhook) => ({ params: { path: { org: org.value, webhookId: webhook.id } } })

/** The host of an address, to recognize a webhook by. */
const hostOf = (url: string) => new URL(url).host

export function Webhooks() {
  const pages = usePages(org.value, (cursor, signal) =>
    body(GET('/orgs/{org}/webhooks', { params: { path: { org: org.value }, query: { limit: 100, ...(cursor && { cursor }) } }, signal })),
  )
  const making = useSignal(false)
  const shown = useSignal<string | null>(null)
  const rotating = useSignal<Webhook | null>(null)
  const deleting = useSignal<Webhook | null>(null)
  const listing = useSignal<Webhook | null>(null)
  const failure = useSignal<Error | null>(null)
  const rows = pages.items.value ?? []
  const take = (webhook: NewWebhook) => {
    making.value = false
    rotating.value = null
    shown.value = webhook.secret
    void pages.reload()
  }
  const run = async (work: () => Promise<unknown>) => {
    failure.value = null
    try {
      await work()
      await pages.reload()
    } catch (reason) {
      failure.value = reason as Error
    }
  }

  return (
    <>
      <div class="section-head">
        <p class="muted">{t.webhooksSettings.intro}</p>
        <Button kind="primary" icon="plus" onClick={() => (making.value = true)}>
          {t.webhooksSettings.make}
        </Button>
      </div>
      {failure.value && <Failure error={failure.value} />}
      {pages.items.value && rows.length === 0 && <Empty icon="link" title={t.webhooksSettings.none} />}
      {rows.length > 0 && (
        <Table
          rows={rows}
          columns={[
            {
              title: t.webhooksSettings.url,
              isName: true,
              cell: webhook => (
                <>
                  <code dir="auto">{webhook.url}</code>
                  {webhook.description && (
                    <p class="muted" dir="auto">
                      {webhook.description}
                    </p>
                  )}
                </>
              ),
            },
            {
              title: t.webhooksSettings.told,
              cell: webhook => (
                <span class="tags">
                  {webhook.events.map(event => (
                    <Tag key={event}>{event}</Tag>
                  ))}
                </span>
              ),
            },
            {
              title: t.webhooksSettings.state,
              cell: webhook => (
                <>
                  <span class={`state ${webhook.state}`}>{t.webhooksSettings.states[webhook.state]}</span>
                  {webhook.failingSince && (
                    <p class="muted" title={full(webhook.failingSince)}>
                      {t.webhooksSettings.failing} <Ago at={webhook.failingSince} />
                    </p>
                  )}
                </>
              ),
            },
          ]}
          actions={webhook => (
            <Menu label={`${t.more}: ${hostOf(webhook.url)}`} icon="more">
              <button type="button" onClick={() => (listing.value = webhook)}>
                <Icon name="log" /> {t.webhooksSettings.deliveries}
              </button>
              {webhook.state === 'active' ? (
                <>
                  <button
                    type="button"
                    onClick={() =>
                      run(async () => {
                        await body(POST('/orgs/{org}/webhooks/{webhookId}/test', at(webhook)))
                        listing.value = webhook
                      })
                    }
                  >
                    <Icon name="next" /> {t.webhooksSettings.test}
                  </button>
                  <button
                    type="button"
                    onClick={() =>
                      run(() => body(PATCH('/orgs/{org}/webhooks/{webhookId}', { ...at(webhook), body: { state: 'paused' } })))
                    }
                  >
                    <Icon name="offline" /> {t.webhooksSettings.pause}
                  </button>
                </>
              ) : (
                <button
                  type="button"
                  onClick={() => run(() => body(PATCH('/orgs/{org}/webhooks/{webhookId}', { ...at(webhook), body: { state: 'active' } })))}
                >
                  <Icon name="check" /> {t.webhooksSettings.resume}
                </button>
              )}
              <button type="button" onClick={() => (rotating.value = webhook)}>
                <Icon name="refresh" /> {t.webhooksSettings.rotate}
              </button>
              <button type="button" class="danger" onClick={() => (deleting.value = webhook)}>
                <Icon name="trash" /> {t.webhooksSettings.delete}
              </button>
            </Menu>
          )}
        />
      )}
      <PagesEnd pages={pages} />
      {making.value && <Make close={() => (making.value = false)} made={take} />}
      {rotating.value && <Rotate webhook={rotating.value} close={() => (rotating.value = null)} made={take} />}
      {deleting.value && (
        <Confirm
          title={t.webhooksSettings.deleteTitle(hostOf(deleting.value.url))}
          action={t.webhooksSettings.delete}
          close={() => (deleting.value = null)}
          run={async () => {
            await body(DELETE('/orgs/{org}/webhooks/{webhookId}', at(deleting.value!)))
            await pages.reload()
          }}
        >
          <p>{t.webhooksSettings.deleteText}</p>
        </Confirm>
      )}
      {listing.value && <Deliveries webhook={listing.value} close={() => (listing.value = null)} />}
      {shown.value && (
        <Once title={t.webhooksSettings.made} secret={shown.value} text={t.webhooksSettings.once} close={() => (shown.value = null)} />
      )}
    </>
  )
}

function Make({ close, made }: { close: () => void; made: (webhook: NewWebhook) => void }) {
  const url = useSignal('')
  const chosen = useSignal<Webhook['events']>(['message.created'])
  const withContent = useSignal(false)
  const minutes = useSignal(30)
  const description = useSignal('')
  const form = useSubmit(async () =>
    made(
      await body(
        POST('/orgs/{org}/webhooks', {
          params: { path: { org: org.value } },
          body: {
            url: url.value.trim(),
            events: chosen.value,
            withContent: withContent.value,
            ...(chosen.value.includes('chat.idle') && { idleMinutes: minutes.value }),
            ...(description.value.trim() && { description: description.value.trim() }),
          },
        }),
      ),
    ),
  )
  const refused = fieldsOf(form.error.value)
  return (
    <Dialog title={t.webhooksSettings.make} close={close}>
      <form onSubmit={form.submit}>
        <Field label={t.webhooksSettings.url} hint={t.webhooksSettings.urlHint} error={refused['url']}>
          {a => (
            <input
              {...a}
              type="url"
              required
              placeholder="https://www.example.org/hooks"
              value={url.value}
              onInput={event => (url.value = event.currentTarget.value)}
            />
          )}
        </Field>
        <fieldset class="checks">
          <legend>{t.webhooksSettings.told}</legend>
          {events.map(each => (
            <label key={each} class="check">
              <input
                type="checkbox"
                checked={chosen.value.includes(each)}
                onChange={event =>
                  (chosen.value = events.filter(name => (name === each ? event.currentTarget.checked : chosen.value.includes(name))))
                }
              />
              <span>
                <b>{each}</b> <span class="muted">{t.webhooksSettings.events[each]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {chosen.value.includes('chat.idle') && (
          <Field label={t.webhooksSettings.minutes} error={refused['idleMinutes']}>
            {a => (
              <input
                {...a}
                type="number"
                min={1}
                max={1440}
                required
                value={minutes.value}
                onInput={event => (minutes.value = event.currentTarget.valueAsNumber)}
              />
            )}
          </Field>
        )}
        <label class="check">
          <input type="checkbox" checked={withContent.value} onChange={event => (withContent.value = event.currentTarget.checked)} />
          <span>
            <b>{t.webhooksSettings.withContent}</b> <span class="muted">{t.webhooksSettings.withContentHint}</span>
          </span>
        </label>
        <Field label={t.webhooksSettings.description} error={refused['description']}>
          {a => <input {...a} dir="auto" value={description.value} onInput={event => (description.value = event.currentTarget.value)} />}
        </Field>
        <FormFooter form={form} action={t.webhooksSettings.make} close={close} disabled={chosen.value.length === 0} />
      </form>
    </Dialog>
  )
}

function Rotate({ webhook, close, made }: { webhook: Webhook; close: () => void; made: (webhook: NewWebhook) => void }) {
  const hours = useSignal(24)
  const form = useSubmit(async () =>
    made(await body(POST('/orgs/{org}/webhooks/{webhookId}/rotate', { ...at(webhook), body: { overlapHours: hours.value } }))),
  )
  return (
    <Dialog title={t.webhooksSettings.rotateTitle(hostOf(webhook.url))} close={close}>
      <form onSubmit={form.submit}>
        <p>{t.webhooksSettings.rotateText}</p>
        <Field label={t.webhooksSettings.overlap} hint={t.keysSettings.overlapHint} error={fieldsOf(form.error.value)['overlapHours']}>
          {a => (
            <input
              {...a}
              type="number"
              min={0}
              max={168}
              required
              value={hours.value}
              onInput={event => (hours.value = event.currentTarget.valueAsNumber)}
            />
          )}
        </Field>
        <FormFooter form={form} action={t.webhooksSettings.rotate} close={close} />
      </form>
    </Dialog>
  )
}

function Deliveries({ webhook, close }: { webhook: Webhook; close: () => void }) {
  const pages = usePages(webhook.id, (cursor, signal) =>
    body(
      GET('/orgs/{org}/webhooks/{webhookId}/deliveries', {
        params: { path: { org: org.value, webhookId: webhook.id }, query: { limit: 50, ...(cursor && { cursor }) } },
        signal,
      }),
    ),
  )
  const rows = pages.items.value ?? []
  return (
    <Dialog title={t.webhooksSettings.deliveriesOf(hostOf(webhook.url))} close={close} wide>
      {pages.items.value && rows.length === 0 && <Empty icon="log" title={t.webhooksSettings.noDeliveries} />}
      {rows.length > 0 && (
        <Table
          isInBox
          rows={rows}
          columns={[
            {
              title: t.webhooksSettings.event,
              isName: true,
              cell: delivery => (
                <>
                  <b>{delivery.event}</b>
                  <br />
                  <code class="muted">{delivery.id}</code>
                </>
              ),
            },
            { title: t.webhooksSettings.when, cell: delivery => <Ago at={delivery.at} /> },
            { title: t.webhooksSettings.state, cell: delivery => <Outcome delivery={delivery} /> },
            { title: t.webhooksSettings.attempts, cell: delivery => delivery.attempts },
          ]}
          actions={delivery => <Replay delivery={delivery} done={pages.reload} />}
        />
      )}
      <PagesEnd pages={pages} />
      <p>
        <Button icon="refresh" onClick={() => void pages.reload()}>
          {t.webhooksSettings.refresh}
        </Button>
      </p>
    </Dialog>
  )
}

const Outcome = ({ delivery }: { delivery: Delivery }) => (
  <>
    <span class={`state ${delivery.status === 'delivered' ? 'done' : delivery.status}`}>
      {t.webhooksSettings.statuses[delivery.status]}
    </span>
    {(delivery.responseStatus !== null || delivery.error !== null) && (
      <p class="muted">
        {[delivery.responseStatus, delivery.error && delivery.error !== 'status' && t.webhooksSettings.errors[delivery.error]]
          .filter(Boolean)
          .join(', ')}
      </p>
    )}
  </>
)

function Replay({ delivery, done }: { delivery: Delivery; done: () => Promise<void> }) {
  const form = useSubmit(async () => {
    await body(
      POST('/orgs/{org}/webhooks/deliveries/{deliveryId}/replay', { params: { path: { org: org.value, deliveryId: delivery.id } } }),
    )
    await done()
  })
  return (
    <form onSubmit={form.submit}>
      <Button type="submit" busy={form.busy.value}>
        {t.webhooksSettings.replay}
      </Button>
      {form.error.value && <Failure error={form.error.value} />}
    </form>
  )
}

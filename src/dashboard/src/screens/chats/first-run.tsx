import { useSignal } from '@preact/signals'
import { POST, body, service } from '../../api'
import { may, org, organization } from '../../session'
import { t } from '../../text'
import { Button, CopyButton, Failure, Spinner, useSubmit } from '../../ui/basics'

const placeholder = 'clk_…'

const commands = (slug: string, key: string): Record<string, string> => {
  const url = new URL(service, location.href).href.replace(/\/$/, '')
  const api = `${url}/api/v1/orgs/${slug}`
  const items = `{"items":[
  {"type":"chat","ref":"c","title":"Hello","externalUserId":"ann"},
  {"type":"message","chatRef":"c","role":"user","content":"Is anybody there?"},
  {"type":"message","chatRef":"c","role":"assistant","content":"Yes, and it is logged."}]}`
  return {
    curl: `curl ${api}/batch \\
  -H 'x-organization-api-key: ${key}' \\
  -H 'Content-Type: application/json' \\
  -d '${items}'`,
    JavaScript: `await fetch('${api}/batch', {
  method: 'POST',
  headers: { 'x-organization-api-key': '${key}', 'Content-Type': 'application/json' },
  body: JSON.stringify({
    items: [
      { type: 'chat', ref: 'c', title: 'Hello', externalUserId: 'ann' },
      { type: 'message', chatRef: 'c', role: 'user', content: 'Is anybody there?' },
      { type: 'message', chatRef: 'c', role: 'assistant', content: 'Yes, and it is logged.' },
    ],
  }),
})`,
    'C#': `using var http = new HttpClient();
http.DefaultRequestHeaders.Add("x-organization-api-key", "${key}");
await http.PostAsJsonAsync("${api}/batch", new
{
    items = new object[]
    {
        new { type = "chat", @ref = "c", title = "Hello", externalUserId = "ann" },
        new { type = "message", chatRef = "c", role = "user", content = "Is anybody there?" },
        new { type = "message", chatRef = "c", role = "assistant", content = "Yes, and it is logged." },
    },
});`,
    OpenTelemetry: `export OTEL_EXPORTER_OTLP_ENDPOINT='${url}'
export OTEL_EXPORTER_OTLP_HEADERS='x-organization-api-key=${key}'
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true`,
  }
}

/** What an organization without chats sees; it is replaced by the list when the first chat arrives. */
export function FirstRun() {
  const key = useSignal<string | null>(null)
  const language = useSignal('curl')
  const slug = organization.value!.slug
  const form = useSubmit(async () => {
    const made = await body(
      POST('/orgs/{org}/apikeys', { params: { path: { org: org.value } }, body: { label: t.firstRun.keyLabel, scopes: ['ingest'] } }),
    )
    key.value = made.key
  })
  const texts = commands(slug, key.value ?? placeholder)
  return (
    <div class="first-run">
      <h1>{t.firstRun.title}</h1>
      <p>{t.firstRun.intro(slug)}</p>
      {may.administrate.value ? (
        <form onSubmit={form.submit}>
          {key.value === null ? (
            <Button kind="primary" type="submit" icon="key" busy={form.busy.value}>
              {t.firstRun.makeKey}
            </Button>
          ) : (
            <p class="new-key">
              <code>{key.value}</code>
              <CopyButton text={key.value} label={t.copy} />
              <span>{t.firstRun.keyOnce}</span>
            </p>
          )}
          {form.error.value && <Failure error={form.error.value} />}
        </form>
      ) : (
        <p>{t.firstRun.askAdmin}</p>
      )}
      <div class="tabs" role="tablist">
        {Object.keys(texts).map(name => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={language.value === name}
            aria-controls="commands"
            onClick={() => (language.value = name)}
          >
            {name}
          </button>
        ))}
      </div>
      <div class="commands" id="commands" role="tabpanel" aria-label={language.value}>
        <pre tabIndex={0}>
          <code>{texts[language.value]}</code>
        </pre>
        <CopyButton text={texts[language.value]!} label={t.copy} />
      </div>
      <p class="waiting">
        <Spinner /> {t.firstRun.waiting}
      </p>
    </div>
  )
}

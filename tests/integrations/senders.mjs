// What each SDK does in three turns of one conversation, set up as its documentation says. A sender takes { url, key, session, model }.
const questions = ['Where is my order?', 'yes', 'yes']

async function tracing(Exporter, { url, key }, more = {}) {
  const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
  const { BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base')
  const exporter = new Exporter({ url: `${url}/v1/traces`, headers: { 'x-organization-api-key': key }, ...more })
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  provider.register()
  return provider
}

async function chatCompletions(OpenAI, model, around = (_, call) => call()) {
  const client = new OpenAI({ baseURL: model.url, apiKey: 'none' })
  const messages = [{ role: 'system', content: 'Be brief.' }]
  for (const [turn, question] of questions.entries()) {
    messages.push({ role: 'user', content: question })
    const answer = await around(turn, () => client.chat.completions.create({ model: 'model-1', messages: [...messages] }))
    messages.push(answer.choices[0].message)
  }
}

async function genAi(Exporter, options, more) {
  const provider = await tracing(Exporter, options, more)
  const tracer = provider.getTracer('test')
  const history = []
  for (const [turn, question] of questions.entries()) {
    history.push({ role: 'user', parts: [{ type: 'text', content: question }] })
    const span = tracer.startSpan('chat model-1', { attributes: {
      'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'model-1',
      'gen_ai.conversation.id': options.session,
      'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'Be brief.' }]),
      'gen_ai.input.messages': JSON.stringify(history),
    } })
    const answer = { role: 'assistant', parts: [{ type: 'text', content: `answer ${turn + 1}` }], finish_reason: 'stop' }
    span.setAttributes({ 'gen_ai.output.messages': JSON.stringify([answer]), 'gen_ai.usage.input_tokens': 11, 'gen_ai.usage.output_tokens': 22 })
    span.end()
    history.push({ role: 'assistant', parts: answer.parts })
  }
  await provider.shutdown()
}

// The telemetry of 7 has no metadata of calls in its spans: there the conversation is told by the span around the call.
async function aiSdk(generateText, createOpenAI, options, register = () => {}) {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const provider = await tracing(OTLPTraceExporter, options)
  register()
  const openai = createOpenAI({ baseURL: options.model.url, apiKey: 'none' })
  const messages = []
  const tracer = provider.getTracer('app')
  for (const question of questions) {
    messages.push({ role: 'user', content: question })
    const { text } = await tracer.startActiveSpan('turn', { attributes: { 'session.id': options.session } }, async span => {
      try {
        return await generateText({
          model: openai.chat('model-1'), system: 'Be brief.', messages: [...messages],
          telemetry: { isEnabled: true, metadata: { sessionId: options.session } },
          experimental_telemetry: { isEnabled: true, metadata: { sessionId: options.session } },
        })
      } finally { span.end() }
    })
    messages.push({ role: 'assistant', content: text })
  }
  await provider.shutdown()
}

export const senders = {
  async 'otel-json'(options) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    await genAi(OTLPTraceExporter, options)
  },

  async 'otel-protobuf-gzip'(options) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
    await genAi(OTLPTraceExporter, options, { compression: 'gzip' })
  },

  async 'openllmetry'(options) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
    const provider = await tracing(OTLPTraceExporter, options)
    const { OpenAIInstrumentation } = await import('@traceloop/instrumentation-openai')
    const { default: OpenAI } = await import('openai')
    const instrumentation = new OpenAIInstrumentation()
    instrumentation.setTracerProvider(provider)
    instrumentation.manuallyInstrument(OpenAI)
    const tracer = provider.getTracer('app')
    await chatCompletions(OpenAI, options.model, (_, call) => tracer.startActiveSpan('turn', { attributes: { 'session.id': options.session } },
      async span => { try { return await call() } finally { span.end() } }))
    await provider.shutdown()
  },

  async 'openinference'(options) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto')
    const provider = await tracing(OTLPTraceExporter, options)
    const { OpenAIInstrumentation } = await import('@arizeai/openinference-instrumentation-openai')
    const { default: OpenAI } = await import('openai')
    const instrumentation = new OpenAIInstrumentation()
    instrumentation.setTracerProvider(provider)
    instrumentation.manuallyInstrument(OpenAI)
    const { context } = await import('@opentelemetry/api')
    const { setSession } = await import('@arizeai/openinference-core')
    await chatCompletions(OpenAI, options.model, (_, call) =>
      context.with(setSession(context.active(), { sessionId: options.session }), call))
    await provider.shutdown()
  },

  async 'ai-sdk'(options) {
    const { generateText, registerTelemetry } = await import('ai')
    const { OpenTelemetry, LegacyOpenTelemetry } = await import('@ai-sdk/otel')
    const { createOpenAI } = await import('@ai-sdk/openai')
    // After the provider: the telemetry takes its tracer when it is made.
    await aiSdk(generateText, createOpenAI, options, () => registerTelemetry(options.legacy ? new LegacyOpenTelemetry() : new OpenTelemetry()))
  },

  async 'ai-sdk-legacy'(options) { await senders['ai-sdk']({ ...options, legacy: true }) },

  async 'ai-sdk-6'(options) {
    await aiSdk((await import('ai-6')).generateText, (await import('@ai-sdk/openai-3')).createOpenAI, options)
  },

  async 'ai-sdk-5'(options) {
    await aiSdk((await import('ai-5')).generateText, (await import('@ai-sdk/openai-2')).createOpenAI, options)
  },

  async 'langfuse-otel'(options) {
    const { LangfuseSpanProcessor } = await import('@langfuse/otel')
    const { NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
    const provider = new NodeTracerProvider({ spanProcessors: [new LangfuseSpanProcessor({
      publicKey: 'pk', secretKey: options.key, baseUrl: options.url }) ] })
    provider.register()
    const { observeOpenAI } = await import('@langfuse/openai')
    const { startActiveObservation, propagateAttributes } = await import('@langfuse/tracing')
    const { default: OpenAI } = await import('openai')
    class Observed { constructor(settings) { return observeOpenAI(new OpenAI(settings)) } }
    await chatCompletions(Observed, options.model, (turn, call) => propagateAttributes(
      { sessionId: options.session, userId: 'visitor-17', tags: ['web'] }, () => startActiveObservation(`turn ${turn}`, call)))
    await provider.forceFlush()
    await provider.shutdown()
  },

  async 'langfuse-3'(options) {
    const { Langfuse } = await import('langfuse')
    const langfuse = new Langfuse({ publicKey: 'pk', secretKey: options.key, baseUrl: options.url, flushAt: options.flushAt ?? 15 })
    const { default: OpenAI } = await import('openai')
    const client = new OpenAI({ baseURL: options.model.url, apiKey: 'none' })
    const messages = [{ role: 'system', content: 'Be brief.' }]
    for (const question of questions) {
      messages.push({ role: 'user', content: question })
      const trace = langfuse.trace({ name: 'turn', sessionId: options.session, userId: 'visitor-17', tags: ['web'] })
      const generation = trace.generation({ name: 'chat', model: 'model-1', input: [...messages] })
      const answer = await client.chat.completions.create({ model: 'model-1', messages })
      messages.push(answer.choices[0].message)
      generation.end({ output: answer.choices[0].message, usage: { input: 11, output: 22 } })
      trace.update({ output: answer.choices[0].message.content })
      generation.score({ name: 'user-feedback', value: 1, comment: 'good' })
    }
    await langfuse.shutdownAsync()
  },

  async 'lunary'(options) {
    process.env.LUNARY_PUBLIC_KEY = options.key
    process.env.LUNARY_API_URL = options.url
    const { default: lunary } = await import('lunary')
    lunary.init({ appId: options.key, publicKey: options.key, apiUrl: options.url })
    const thread = lunary.openThread({ id: options.session, userId: 'visitor-17', tags: ['web'] })
    for (const [turn, question] of questions.entries()) {
      thread.trackMessage({ role: 'user', content: question })
      const id = thread.trackMessage({ role: 'assistant', content: `answer ${turn + 1}` })
      if (turn === 0) lunary.trackFeedback(id, { thumb: 'up', comment: 'good' })
    }
    await lunary.flush()
  },
}

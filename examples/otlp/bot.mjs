// The same bot without a package of ours: the variables of OpenTelemetry alone send its spans to Chat Logger.
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setSession } from '@arizeai/openinference-core'
import { context } from '@opentelemetry/api'
import OpenAI from 'openai'

const { MODEL: model = 'gpt-5-mini' } = process.env
const openai = new OpenAI()
const conversation = setSession(context.active(), { sessionId: `otlp-${randomUUID()}` })

const messages = [{ role: 'system', content: 'Be brief.' }]
for await (const question of createInterface({ input: process.stdin })) {
  messages.push({ role: 'user', content: question })
  const completion = await context.with(conversation, () => openai.chat.completions.create({ model, messages: [...messages] }))
  messages.push(completion.choices[0].message)
  console.log(completion.choices[0].message.content)
}

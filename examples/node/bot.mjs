// A bot on the command line: each line is a question to a model, and the whole conversation is logged.
import { createInterface } from 'node:readline'
import { createChatLogger } from '@chatlogger/client'
import { logOpenAI } from '@chatlogger/client/openai'
import OpenAI from 'openai'

const { CHATLOGGER_URL: url, CHATLOGGER_SLUG: slug, CHATLOGGER_KEY: key, MODEL: model = 'gpt-5-mini' } = process.env
const logger = createChatLogger({ url, slug, key, onError: console.error })
const openai = logOpenAI(new OpenAI(), logger.chat(null, { title: 'A bot in Node.js' }))

const messages = [{ role: 'system', content: 'Be brief.' }]
for await (const question of createInterface({ input: process.stdin })) {
  messages.push({ role: 'user', content: question })
  const completion = await openai.chat.completions.create({ model, messages })
  messages.push(completion.choices[0].message)
  console.log(completion.choices[0].message.content)
}
await logger.close()

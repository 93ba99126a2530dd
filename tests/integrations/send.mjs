// node send.mjs NAME: three turns of one conversation through one SDK, to URL with KEY. SESSION names the conversation.
import { startModel } from './model.mjs'
import { senders } from './senders.mjs'

const [name] = process.argv.slice(2)
const model = await startModel()
await senders[name]({ url: process.env.URL, key: process.env.KEY, session: process.env.SESSION ?? `session-of-${name}-0001`, model })
model.stop()

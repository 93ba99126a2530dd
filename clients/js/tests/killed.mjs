// A process that logs until it is killed.
import { createChatLogger } from '@chatlogger/client'
import { fileStorage } from '@chatlogger/client/node'

const [directory, options] = process.argv.slice(2)
const logger = createChatLogger({ ...JSON.parse(options), storage: fileStorage(directory), flushIntervalMs: 20 })
const chats = [logger.chat(), logger.chat(), logger.chat()]
let number = 0
setInterval(() => {
  const chat = chats[number % chats.length]
  const content = `Message ${number++} of ${process.pid}`
  chat.message({ role: 'user', content })
  process.send({ name: chat.externalId, content })
}, 3)

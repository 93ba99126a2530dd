// Not run: the types of the wrappers must fit those of the packages that they wrap.
import { FakeListChatModel } from '@langchain/core/utils/testing'
import { wrapLanguageModel } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import OpenAI from 'openai'
import { createChatLogger, type ChatLogger, type ChatLoggerError, type Counts, type Role } from '@chatlogger/client'
import { fileStorage } from '@chatlogger/client/node'
import { logOpenAI } from '@chatlogger/client/openai'
import { chatLoggerMiddleware } from '@chatlogger/client/ai-sdk'
import { chatLoggerHandler } from '@chatlogger/client/langchain'

const errors: ChatLoggerError[] = []
const role: Role = 'user'
const logger: ChatLogger = createChatLogger({
  url: 'https://chat.acme.example', slug: 'acme', key: 'clk_', storage: fileStorage('queue'), onError: error => errors.push(error),
})
const chat = logger.chat('order-17-of-visitor-1234', { title: 'Order', tags: ['shipping'] })
chat.message({ role, content: 'Hello' }).feedback('up', 'Quick')
export const counts: Counts = logger.counts
// @ts-expect-error There is no such role.
chat.message({ role: 'robot', content: 'Hello' })

const openai: OpenAI = logOpenAI(new OpenAI(), chat)
export const completion: Promise<OpenAI.ChatCompletion> = openai.chat.completions.create({ model: 'm', messages: [] })
export const model = wrapLanguageModel({ model: new MockLanguageModelV4(), middleware: chatLoggerMiddleware(chat) })
export const langchain = new FakeListChatModel({ responses: [], callbacks: [chatLoggerHandler(({ metadata }) => (metadata ? chat : null))] })

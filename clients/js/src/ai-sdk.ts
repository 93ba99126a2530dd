import { begin, contentOf, tokens, type ChatSource } from './exchange.js'
import type { Message, Part, ToolCall } from './types.js'

export type { ChatSource } from './exchange.js'

type Json = Record<string, any>

/** The options of the model's call, with which a function can choose the chat: `providerOptions`, `headers`. */
export type AiSdkCall = Record<string, any>

// A tool's result: a text, JSON, or parts.
const resultOf = (output: Json | undefined): Pick<Message, 'content' | 'parts'> =>
  output?.type === 'execution-denied' ? { content: output.reason ?? 'Denied.' } : contentOf(output && 'value' in output ? output.value : output)

const toolCallOf = (part: Json): ToolCall => ({ id: part.toolCallId, name: part.toolName, arguments: part.input ?? part.args ?? '' })

const assistant = (parts: Json[]): Message => {
  const toolCalls = parts.filter(part => part.type === 'tool-call').map(toolCallOf)
  const others = parts.filter(part => part.type === 'text' || part.type === 'file')
  return {
    role: 'assistant',
    ...contentOf(others.map(({ type, text, data, mediaType }) => (type === 'text' ? { type, text } : { type, data, mediaType }))),
    ...(toolCalls.length && { toolCalls }),
  }
}

const promptMessage = ({ role, content }: Json): Message[] => {
  if (role === 'assistant' && Array.isArray(content)) return [assistant(content)]
  if (role === 'tool')
    return (content as Json[])
      .filter(part => part.type === 'tool-result')
      .map(part => ({ role: 'tool', toolCallId: part.toolCallId, name: part.toolName, ...resultOf(part.output ?? part.result) }))
  return [{ role, ...contentOf(Array.isArray(content) ? content.map(({ providerOptions: _, ...part }: Json) => part as Part) : content) }]
}

// A number in version 2 of the specification, an object with the total in later ones.
const total = (count: Json | number | undefined): number | undefined => (typeof count === 'object' ? count.total : count)

const answer = (content: Json[], usage: Json | undefined, model: string): Message[] => [
  { ...assistant(content), model, ...tokens(total(usage?.inputTokens), total(usage?.outputTokens)) },
]

/** The content that the parts of a stream make. */
const contentOfStream = (parts: Json[]): Json[] => [
  { type: 'text', text: parts.filter(part => part.type === 'text-delta').map(part => part.delta ?? part.textDelta).join('') },
  ...parts.filter(part => part.type === 'tool-call' || part.type === 'file'),
]

/**
 * A middleware of the AI SDK for `wrapLanguageModel`: each call of the model is logged, what it adds to the conversation and the answer, streams included.
 * @param source The chat of all calls, or a function that chooses the chat by the options of a call.
 */
export const chatLoggerMiddleware = (source: ChatSource<AiSdkCall>) => ({
  specificationVersion: 'v4' as const,

  async wrapGenerate({ doGenerate, params, model }: { doGenerate: () => PromiseLike<any>, params: AiSdkCall, model: { modelId: string } }): Promise<any> {
    const finish = begin(source, params, () => (params.prompt as Json[]).flatMap(promptMessage))
    const result = await doGenerate()
    finish(() => answer(result.content, result.usage, result.response?.modelId ?? model.modelId))
    return result
  },

  async wrapStream({ doStream, params, model }: { doStream: () => PromiseLike<any>, params: AiSdkCall, model: { modelId: string } }): Promise<any> {
    const finish = begin(source, params, () => (params.prompt as Json[]).flatMap(promptMessage))
    const result = await doStream()
    const parts: Json[] = []
    const end = () => finish(() =>
      answer(
        contentOfStream(parts),
        parts.findLast(part => part.type === 'finish')?.usage,
        parts.findLast(part => part.type === 'response-metadata')?.modelId ?? model.modelId,
      ))
    const reader = (result.stream as ReadableStream<Json>).getReader()
    const stream = new ReadableStream<Json>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            end()
            controller.close()
          } else {
            parts.push(value)
            controller.enqueue(value)
          }
        } catch (error) {
          end()
          controller.error(error)
        }
      },
      cancel(reason) {
        end()
        return reader.cancel(reason)
      },
    })
    return { ...result, stream }
  },
})

import { begin, contentOf, tokens, type ChatSource } from './exchange.js'
import type { Message, Role } from './types.js'

export type { ChatSource } from './exchange.js'

type Json = Record<string, any>

/** What is known of a run, with which a function can choose the chat, such as `metadata.thread_id`. */
export interface LangChainRun {
  runId: string
  parentRunId?: string
  tags?: string[]
  metadata?: Record<string, any>
}

const roles: Record<string, Role> = { human: 'user', ai: 'assistant', system: 'system', developer: 'developer', tool: 'tool', function: 'function' }

const messageOf = (message: Json): Message => {
  const type: string = message.getType?.() ?? message._getType?.() ?? message.type ?? message.role
  const role = roles[type] ?? (message.role as Role | undefined) ?? 'user'
  // Calls of tools stand beside the content too, in some models.
  const content = Array.isArray(message.content) ? message.content.filter(part => part?.type !== 'tool_use' && part?.type !== 'tool_call') : message.content
  return {
    role,
    ...contentOf(content),
    ...(role === 'assistant' && message.tool_calls?.length
      && { toolCalls: message.tool_calls.map((call: Json) => ({ id: call.id ?? '', name: call.name, arguments: call.args ?? {} })) }),
    ...(message.tool_call_id && { toolCallId: message.tool_call_id }),
    ...(message.name && { name: message.name }),
  }
}

const answers = (output: Json): Message[] =>
  (output.generations as Json[][]).flat().map((generation, at) => {
    const { message, text } = generation
    const usage = message?.usage_metadata
    const total = output.llmOutput?.tokenUsage
    return {
      ...(message ? messageOf(message) : { role: 'assistant' as const, content: text }),
      model: message?.response_metadata?.model_name ?? message?.response_metadata?.model ?? output.llmOutput?.model_name,
      ...(at === 0 && tokens(usage?.input_tokens ?? total?.promptTokens, usage?.output_tokens ?? total?.completionTokens)),
    }
  })

/**
 * A callback handler of LangChain, for `callbacks`: each call of a model is logged, what it adds to the conversation and the answer.
 * @param source The chat of all calls, or a function that chooses the chat by the run.
 */
export const chatLoggerHandler = (source: ChatSource<LangChainRun>) => {
  const runs = new Map<string, (output: () => Message[]) => void>()
  const start = (runId: string, parentRunId: string | undefined, tags: string[] | undefined, metadata: Json | undefined, input: () => Message[]) =>
    void runs.set(runId, begin(source, { runId, parentRunId, tags, metadata }, input))
  const end = (runId: string, output: () => Message[]) => {
    runs.get(runId)?.(output)
    runs.delete(runId)
  }
  return {
    handleChatModelStart(_: unknown, messages: any[][], runId: string, parentRunId?: string, __?: unknown, tags?: string[], metadata?: Json) {
      start(runId, parentRunId, tags, metadata, () => (messages[0] ?? []).map(messageOf))
    },
    handleLLMStart(_: unknown, prompts: string[], runId: string, parentRunId?: string, __?: unknown, tags?: string[], metadata?: Json) {
      start(runId, parentRunId, tags, metadata, () => prompts.map(content => ({ role: 'user', content })))
    },
    handleLLMEnd(output: any, runId: string) {
      end(runId, () => answers(output))
    },
    handleLLMError(_: unknown, runId: string) {
      end(runId, () => [])
    },
  }
}

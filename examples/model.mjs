// A stand-in for the API of a model, for those who have no key of one: it answers "Answer N." to the Nth question. `node model.mjs` listens on port 8089.
import { createServer } from 'node:http'

export async function startModel(port = 0) {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const { messages, model } = JSON.parse(body)
    const content = `Answer ${messages.filter(message => message.role === 'user').length}.`
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({
      id: 'chatcmpl-1', object: 'chat.completion', created: Math.floor(Date.now() / 1000), model,
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
      usage: { prompt_tokens: 11, completion_tokens: 22, total_tokens: 33 },
    }))
  })
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}/v1`, stop: () => server.close() }
}

if (process.argv[1] === import.meta.filename) console.log(`export OPENAI_BASE_URL=${(await startModel(8089)).url} OPENAI_API_KEY=none`)

// A stand-in for the API of a model: it answers "answer N" to the Nth question of the user.
import { createServer } from 'node:http'

export async function startModel() {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const asked = JSON.parse(body)
    const said = asked.messages ?? (Array.isArray(asked.input) ? asked.input : [{ role: 'user' }])
    const turn = said.filter(message => message.role === 'user').length
    const text = `answer ${turn}`
    response.setHeader('content-type', 'application/json')
    if (request.url.endsWith('/responses')) {
      response.end(JSON.stringify({
        id: `resp_${turn}`, object: 'response', created_at: 1764000000, model: 'model-1', status: 'completed',
        output: [{ id: `msg_${turn}`, type: 'message', role: 'assistant', status: 'completed',
          content: [{ type: 'output_text', text, annotations: [] }] }],
        usage: { input_tokens: 11, output_tokens: 22, total_tokens: 33 },
      }))
      return
    }
    response.end(JSON.stringify({
      id: `chatcmpl-${turn}`, object: 'chat.completion', created: 1764000000, model: 'model-1',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: text } }],
      usage: { prompt_tokens: 11, completion_tokens: 22, total_tokens: 33 },
    }))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}/v1`, stop: () => server.close() }
}

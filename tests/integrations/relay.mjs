// Stands between an SDK and the service: forwards what comes, keeps what was asked and answered, and can be the bad network in between.
import { createServer, request as ask } from 'node:http'

/** fails(n) says what happens to the nth request: 'unavailable' is not forwarded, 'lost' is forwarded and its answer is not; else it passes. */
export async function startRelay(target, fails = () => null) {
  const exchanges = []
  const server = createServer(async (request, response) => {
    const pieces = []
    for await (const piece of request) pieces.push(piece)
    const body = Buffer.concat(pieces)
    const exchange = { path: request.url, type: request.headers['content-type'], encoding: request.headers['content-encoding'], bytes: body.length }
    exchanges.push(exchange)
    exchange.failure = fails(exchanges.length)
    if (exchange.failure === 'unavailable') {
      exchange.status = 503
      // Langfuse's SDK 3 sends again only if the answer is JSON, as that of the service is.
      response.writeHead(503, { 'retry-after': '1', 'content-type': 'application/json' }).end('{"error":"Unavailable","message":"Try again shortly."}')
      return
    }
    const { host, ...headers } = request.headers
    const forwarded = ask(target + request.url, { method: request.method, headers }, async answer => {
      const said = []
      for await (const piece of answer) said.push(piece)
      const text = Buffer.concat(said)
      Object.assign(exchange, { status: answer.statusCode, answer: text.toString() })
      if (exchange.failure === 'lost') return response.destroy()
      response.writeHead(answer.statusCode, answer.headers).end(text)
    })
    forwarded.on('error', () => response.destroy())
    forwarded.end(body)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, exchanges, stop: () => server.close() }
}

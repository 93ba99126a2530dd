// The shop: it serves the page and the client that the page loads, and asks the model. The key goes to every visitor, so bind it to the page's origin.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import OpenAI from 'openai'

const { CHATLOGGER_URL: url, CHATLOGGER_SLUG: slug, CHATLOGGER_KEY: key, MODEL: model = 'gpt-5-mini', PORT: port = 8088 } = process.env
const openai = new OpenAI()
const client = new URL('.', import.meta.resolve('@chatlogger/client'))

const server = createServer(async (request, response) => {
  const send = (type, body) => response.writeHead(200, { 'content-type': type }).end(body)
  const script = /^\/chatlogger\/([a-z0-9-]+\.js)$/.exec(request.url)?.[1]
  try {
    if (request.url === '/') send('text/html', await readFile(new URL('index.html', import.meta.url)))
    else if (script) send('text/javascript', await readFile(new URL(script, client)))
    else if (request.url === '/settings') send('application/json', JSON.stringify({ url, slug, key }))
    else if (request.url === '/answer' && request.method === 'POST') {
      let content = ''
      for await (const piece of request) content += piece
      const completion = await openai.chat.completions.create({ model, messages: [{ role: 'user', content }] })
      send('text/plain; charset=utf-8', completion.choices[0].message.content)
    } else response.writeHead(404).end()
  } catch (error) {
    console.error(error)
    response.writeHead(500).end()
  }
})
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))

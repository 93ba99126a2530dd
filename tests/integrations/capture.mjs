// Answers 200 to everything and writes what came to DIR: how the captured bodies of the tests are made.
import { createServer } from 'node:http'
import { writeFileSync, mkdirSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
const dir = process.env.DIR; mkdirSync(dir, { recursive: true })
let n = 0
createServer(async (request, response) => {
  const pieces = []
  for await (const piece of request) pieces.push(piece)
  let body = Buffer.concat(pieces)
  if (request.headers['content-encoding'] === 'gzip') body = gunzipSync(body)
  const type = request.headers['content-type'] ?? ''
  const name = `${dir}/${String(++n).padStart(2, '0')}${request.url.replaceAll('/', '_')}.${type.includes('json') ? 'json' : 'bin'}`
  writeFileSync(name, body)
  console.error(request.method, request.url, type, request.headers['content-encoding'] ?? '', (request.headers.authorization ?? '').slice(0, 12), body.length)
  response.setHeader('content-type', type)
  if (request.url.includes('ingestion')) { response.statusCode = 207; response.end(JSON.stringify({ successes: JSON.parse(body).batch.map(e => ({ id: e.id, status: 201 })), errors: [] })) }
  else if (request.url.includes('runs')) response.end(JSON.stringify({ results: JSON.parse(body).events.map(e => ({ id: e.runId, success: true })) }))
  else response.end(type.includes('json') ? '{}' : '')
}).listen(Number(process.env.PORT))

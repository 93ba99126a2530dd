// The real service, from the build, on a private PostgreSQL; and a proxy in front of it that cuts connections.
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(
  new URL(`../../../src/ChatLogger/bin/${process.env.CONFIGURATION ?? 'Debug'}/net10.0/ChatLogger.dll`, import.meta.url))

export const until = async (condition, what, limitMs = 120_000) => {
  for (const end = Date.now() + limitMs; ; await new Promise(resolve => setTimeout(resolve, 20))) {
    const value = await condition()
    if (value) return value
    if (Date.now() > end) throw new Error(`Did not happen: ${what}`)
  }
}

export class Service {
  static async start() {
    const service = new Service()
    service.directory = mkdtempSync(join(tmpdir(), 'chatlogger-js-'))
    chmodSync(service.directory, 0o755)
    await service.run('http://127.0.0.1:0')
    const shown = await until(() => {
      service.check()
      return /organization +(\S+)\n +admin +(\S+) +password +(\S+)\n +API key +(\S+)/.exec(service.output)
    }, 'the first start shows its credentials')
    ;[, service.slug, service.email, service.password, service.key] = shown
    service.proxy = await Proxy.start(() => service.port)
    return service
  }

  /** The address by way of the proxy. */
  get url() {
    return `http://127.0.0.1:${this.proxy.port}`
  }

  get address() {
    return `http://127.0.0.1:${this.port}`
  }

  options(more) {
    return { url: this.url, slug: this.slug, key: this.key, storage: null, ...more }
  }

  async run(urls) {
    this.output = ''
    this.process = spawn('dotnet', [program, '--urls', urls], {
      env: {
        ...process.env,
        ASPNETCORE_ENVIRONMENT: 'Development',
        DataDirectory: join(this.directory, 'data'),
        DOTNET_TieredPGO: '0',
        RateLimits__Enabled: 'false',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', text => (this.output += text))
    this.port = Number((await until(() => {
      this.check()
      return /is listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.output)
    }, 'the service listens'))[1])
  }

  check() {
    if (this.process.exitCode !== null) throw new Error(`The service ended.\n${this.output}`)
  }

  async kill(signal = 'SIGKILL') {
    const ended = new Promise(resolve => this.process.once('exit', resolve))
    this.process.kill(signal)
    await ended
  }

  restart() {
    return this.run(`http://127.0.0.1:${this.port}`)
  }

  async stop() {
    this.proxy?.stop()
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill('SIGTERM')
    rmSync(this.directory, { recursive: true, force: true })
  }

  async login() {
    const response = await fetch(`${this.address}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: this.email, password: this.password }),
    })
    this.cookie = response.headers.getSetCookie()[0].split(';')[0]
  }

  async read(path) {
    if (!this.cookie) await this.login()
    const response = await fetch(this.address + path, { headers: { cookie: this.cookie } })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }

  async pages(path) {
    const items = []
    for (let cursor = ''; ;) {
      const page = await this.read(`${path}${path.includes('?') ? '&' : '?'}limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
      items.push(...page.items)
      if (!page.nextCursor) return items
      cursor = page.nextCursor
    }
  }

  async chat(externalId) {
    const chats = (await this.pages('/orgs/me/chats')).filter(chat => chat.externalId === externalId)
    if (chats.length > 1) throw new Error(`There are ${chats.length} chats of the name ${externalId}.`)
    return chats[0]
  }

  /** The messages of a chat by its externalId. */
  async messages(externalId) {
    const chat = await this.chat(externalId)
    return chat ? this.pages(`/orgs/me/chats/${chat.id}/messages`) : []
  }
}

/** Forwards to the service, and cuts what is open, before or after the service has got it. */
export class Proxy {
  static async start(target) {
    const proxy = new Proxy()
    proxy.links = new Set()
    proxy.answersDropped = 0
    proxy.requests = 0
    proxy.server = createServer(near => {
      if (proxy.isAway) return near.resetAndDestroy()
      const far = createConnection(target(), '127.0.0.1')
      const link = { near, far }
      proxy.links.add(link)
      const end = () => {
        near.destroy()
        far.destroy()
        proxy.links.delete(link)
      }
      near.on('error', end).on('close', end).on('data', data => {
        proxy.requests++
        far.write(data)
      })
      far.on('error', end).on('close', end).on('data', data => {
        if (proxy.dropsAnswers > 0) {
          proxy.dropsAnswers--
          proxy.answersDropped++
          end()
        } else near.write(data)
      })
    })
    await new Promise(resolve => proxy.server.listen(0, '127.0.0.1', resolve))
    proxy.port = proxy.server.address().port
    return proxy
  }

  cut() {
    for (const { near, far } of this.links) {
      near.destroy()
      far.destroy()
    }
  }

  stop() {
    this.cut()
    this.server.close()
  }
}

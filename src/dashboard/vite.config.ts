import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { type Plugin, defineConfig } from 'vite'

/** Adds each file compressed, so that the service need not do it, and the base path as a placeholder that the service fills in. */
const served: Plugin = {
  name: 'served',
  // What is written is final: until then the bundler still replaces markers of its own.
  writeBundle({ dir }) {
    const page = join(dir!, 'index.html')
    writeFileSync(page, readFileSync(page, 'utf8').replaceAll('="./assets/', '="{base}/app/assets/'))
    for (const name of readdirSync(join(dir!, 'assets'))) {
      const file = join(dir!, 'assets', name)
      const content = readFileSync(file)
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
      writeFileSync(`${file}.br`, brotliCompressSync(content, { params }))
      writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
    }
  },
}

export default defineConfig(({ command }) => ({
  // Built files name each other relative to themselves, so that they work below any path.
  base: command === 'build' ? './' : '/app/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  plugins: [served],
  // `npm run dev` shows the sources, with the service that runs on its usual port behind them. It is told the host that the browser knows:
  // otherwise it would refuse the browser's writes as those of another origin.
  server: {
    proxy: Object.fromEntries(
      ['/auth', '/orgs', '/users', '/analytics', '/exports', '/version', '/docs', '/openapi'].map(path => [
        path,
        { target: 'http://127.0.0.1:5080', changeOrigin: false },
      ]),
    ),
  },
}))

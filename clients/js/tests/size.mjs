// What the package adds to a page: bundled and minified by Vite, and compressed with gzip.
import { gzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))

/** Bytes of an entry point with all that it imports. */
export const sizeOf = async name => {
  const [{ output }] = await build({
    configFile: false,
    logLevel: 'silent',
    root: dist,
    build: { write: false, minify: true, target: 'es2022', lib: { entry: `${dist}${name}.js`, formats: ['es'], fileName: name }, rolldownOptions: { output: { minify: true } } },
  })
  const code = Buffer.from(output.map(chunk => chunk.code).join(''))
  return { minified: code.length, gzip: gzipSync(code, { level: 9 }).length }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const name of ['index', 'openai', 'ai-sdk', 'langchain', 'node'])
    console.log(name, await sizeOf(name))

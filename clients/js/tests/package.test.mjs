import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sizeOf } from './size.mjs'

const entries = ['index', 'node', 'openai', 'ai-sdk', 'langchain']

test('A page loads at most 5 kB, and a wrapper adds at most half of that', async t => {
  for (const name of entries) {
    const { minified, gzip } = await sizeOf(name)
    t.diagnostic(`${name}: ${minified} bytes minified, ${gzip} with gzip`)
    assert.ok(gzip <= (name === 'index' ? 5_000 : 2_500), `${name}: ${gzip} bytes`)
  }
})

test('The package holds what is built, its licence and its README, and needs no other', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chatlogger-pack-'))
  try {
    const [packed] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', directory], { encoding: 'utf8' }))
    const built = [...entries, 'types', 'queue', 'storage', 'random', 'embedded', 'sha256', 'exchange'].flatMap(name => [`dist/${name}.d.ts`, `dist/${name}.js`])
    assert.deepEqual(packed.files.map(file => file.path).sort(), ['LICENSE', 'README.md', ...built, 'package.json'].sort())
    const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
    assert.equal(manifest.dependencies ?? manifest.peerDependencies, undefined)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('Its version is that of the service', () => {
  const [, version] = /<Version>(.*)<\/Version>/.exec(readFileSync('../../Directory.Build.props', 'utf8'))
  for (const file of ['package.json', 'package-lock.json']) assert.equal(JSON.parse(readFileSync(file, 'utf8')).version, version)
  assert.ok(!readFileSync('package-lock.json', 'utf8').includes('"resolved"'))
})

test('The types fit those of the packages that it wraps', () => {
  execFileSync('npx', ['tsc', '-p', 'tests/types'], { stdio: 'pipe', encoding: 'utf8' })
})

// Runs the tests of the package in whose directory it is started, or those that are named. With CHATLOGGER_TEST_RESULTS the results are also written to that file, for .ci/run to count.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const tests = process.argv.slice(2).length ? process.argv.slice(2) : readdirSync('tests').filter(name => name.endsWith('.test.mjs')).map(name => `tests/${name}`)
const results = process.env.CHATLOGGER_TEST_RESULTS
const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout', ...(results ? ['--test-reporter=tap', `--test-reporter-destination=${results}`] : [])]
process.exit(spawnSync(process.execPath, ['--test', '--test-concurrency=1', '--test-force-exit', ...reporters, ...tests], { stdio: 'inherit' }).status ?? 1)

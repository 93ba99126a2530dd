import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { QueueStorage } from './types.js'

const extension = '.json'
const unfinished = '.tmp'

/** After how many milliseconds a file that is still unfinished counts as left by a process that was killed. */
const abandonedAfter = 60_000

/** Removes what a killed process left of files that it was writing. A directory that is shared may hold those that others are writing now. */
const removeAbandoned = (directory: string) => {
  for (const file of readdirSync(directory)) {
    const path = join(directory, file)
    const written = file.endsWith(unfinished) && statSync(path, { throwIfNoEntry: false })?.mtimeMs
    if (written && Date.now() - written > abandonedAfter) rmSync(path, { force: true })
  }
}

/**
 * Keeps the queue in a directory, a file for each message, so that it survives the process, also when that is killed; not a loss of power. Several
 * processes may share it. Writing a file takes the calling thread a fraction of a millisecond.
 * @param directory Is created, readable by its owner only, if it does not exist.
 * @throws When the directory cannot be created.
 */
export const fileStorage = (directory: string): QueueStorage => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  removeAbandoned(directory)
  const path = (name: string) => join(directory, encodeURIComponent(name) + extension)
  return {
    names: () =>
      readdirSync(directory)
        .filter(file => file.endsWith(extension))
        .map(file => decodeURIComponent(file.slice(0, -extension.length))),
    get: name => {
      try {
        return readFileSync(path(name), 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw error
      }
    },
    // A file that is there is whole.
    set: (name, text) => {
      const temporary = `${path(name)}.${process.pid}${unfinished}`
      writeFileSync(temporary, text, { mode: 0o600 })
      renameSync(temporary, path(name))
    },
    delete: name => rmSync(path(name), { force: true }),
  }
}

import type { QueueStorage } from './types.js'

/** The page's `localStorage`; null where there is none or the page may not use it. */
export const pageStorage = (): QueueStorage | null => {
  try {
    const storage = globalThis.localStorage
    // Node.js has a localStorage too, which is not meant here.
    return storage && typeof document === 'object'
      ? {
          names: () => Object.keys(storage),
          get: name => storage.getItem(name),
          set: (name, text) => storage.setItem(name, text),
          delete: name => storage.removeItem(name),
        }
      : null
  } catch {
    return null
  }
}

import { sha256 } from './sha256.js'
import type { Part } from './types.js'

// Shorter ones stand in texts as examples.
const shortestInText = 1024
const shortestBare = 256

const decode = (base64: string): Uint8Array => {
  try {
    return Uint8Array.from(atob(base64.replace(/-/g, '+').replace(/_/g, '/').replace(/\s/g, '')), character => character.charCodeAt(0))
  } catch {
    return new TextEncoder().encode(base64)
  }
}

/** The file in a member of a part: as a data URL, as bytes, or as base64 in a member with one of the usual names. */
const find = (value: unknown, depth: number): [mediaType: string, bytes: Uint8Array] | undefined => {
  if (typeof value === 'string') {
    const url = /^data:([^;,]*)([^,]*),/i.exec(value)
    if (!url) return
    const data = value.slice(url[0].length)
    return [url[1] || 'text/plain', /;base64$/i.test(url[2]!) ? decode(data) : new TextEncoder().encode(data)]
  }
  if (!value || typeof value !== 'object' || depth > 4) return
  const members = value as Record<string, unknown>
  const type = String(
    members.media_type ?? members.mediaType ?? members.mime_type ?? members.mimeType
      ?? (members.format ? `audio/${String(members.format)}` : 'application/octet-stream'),
  )
  for (const name of ['data', 'file_data', 'b64_json', 'image', 'base64']) {
    const data = members[name]
    if (data instanceof Uint8Array) return [type, data]
    if (typeof data === 'string' && data.length >= shortestBare && /^[\w+/=\s-]+$/.test(data)) return [type, decode(data)]
  }
  for (const member of Object.values(members)) {
    const found = find(member, depth + 1)
    if (found) return found
  }
}

/** The parts, with type, size and hash in place of each embedded file. */
export const withoutFiles = (parts: Part[], count: () => void): Part[] =>
  parts.map(part => {
    const found = find(part, 0)
    if (!found) return part
    count()
    const type = part.mediaType ?? found[0]
    return { type: part.type, mediaType: type, bytes: found[1].length, sha256: sha256(found[1]) }
  })

/** The text, with a few words in place of each long data URL. */
export const withoutDataUrls = (text: string, count: () => void): string =>
  text.length < shortestInText
    ? text
    : text.replace(/data:([\w.+-]+\/[\w.+-]+)(?:;[\w=.+-]+)*;base64,([\w+/=-]+)/g, (url, type: string, data: string) => {
        if (url.length < shortestInText) return url
        count()
        const bytes = decode(data)
        return `[${type}, ${bytes.length} bytes, sha256 ${sha256(bytes)}]`
      })

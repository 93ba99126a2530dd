import type { ComponentChildren } from 'preact'

/** A text without case and accents, and for each of its units the place in the original. */
function fold(text: string): { folded: string; places: number[] } {
  let folded = ''
  const places: number[] = []
  let at = 0
  for (const character of text) {
    for (const unit of character.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()) {
      folded += unit
      for (let i = 0; i < unit.length; i++) places.push(at)
    }
    at += character.length
  }
  places.push(at)
  return { folded, places }
}

const escape = (text: string) => text.replace(/[\\^$.*+?()[\]{}|\-/]/g, '\\$&')

/** What is searched for, as a pattern; null if there is nothing to mark. */
function pattern(q: string): RegExp | null {
  const terms = [...q.matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)]
    .filter(([, minus, , word]) => !minus && word !== 'OR')
    .map(([, , phrase, word]) => {
      const text = fold(phrase ?? word!).folded
      const words = text.match(/[\p{L}\p{N}]+/gu)?.map(escape) ?? []
      const begins = phrase === undefined && word!.endsWith('*')
      return words.length === 0 ? '' : words.join('[^\\p{L}\\p{N}]+') + (begins ? '[\\p{L}\\p{N}]*' : '')
    })
    .filter(term => term !== '')
  // In scripts without spaces a match may be anywhere.
  const spaceless = /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Hangul}]/u
  const parts = terms.map(term => (spaceless.test(term) ? term : `(?<![\\p{L}\\p{N}])${term}(?![\\p{L}\\p{N}])`))
  return parts.length === 0 ? null : new RegExp(parts.join('|'), 'gu')
}

/** A text in which what is searched for is marked. */
export function Highlight({ text, q }: { text: string; q: string }) {
  const matcher = q === '' ? null : pattern(q)
  if (!matcher) return <>{text}</>
  const { folded, places } = fold(text)
  const parts: ComponentChildren[] = []
  let done = 0
  for (const match of folded.matchAll(matcher)) {
    const start = places[match.index]!
    const end = places[match.index + match[0].length]!
    if (end <= start) continue
    parts.push(text.slice(done, start), <mark>{text.slice(start, end)}</mark>)
    done = end
  }
  parts.push(text.slice(done))
  return <>{parts}</>
}

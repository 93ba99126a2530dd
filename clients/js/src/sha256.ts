// The first 32 bits of the fractional parts of the square roots and cube roots of the first primes.
const roots = (exponent: number, count: number): Uint32Array => {
  const found: number[] = []
  for (let candidate = 2; found.length < count; candidate++) {
    let isPrime = true
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) isPrime &&= candidate % divisor !== 0
    if (isPrime) found.push((candidate ** exponent % 1) * 2 ** 32)
  }
  return Uint32Array.from(found)
}

const turn = (word: number, by: number) => (word >>> by) | (word << (32 - by))

/** The SHA-256 of the bytes in hexadecimal. The browser's own is asynchronous, and absent in pages without TLS. */
export const sha256 = (bytes: Uint8Array): string => {
  const factors = roots(1 / 3, 64)
  const state = roots(1 / 2, 8)
  const padded = new Uint8Array(((bytes.length + 72) >> 6) << 6)
  padded.set(bytes)
  padded[bytes.length] = 128
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, bytes.length / 2 ** 29)
  view.setUint32(padded.length - 4, bytes.length * 8)
  const words = new Uint32Array(64)
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
    for (let i = 0; i < 64; i++) {
      if (i < 16) words[i] = view.getUint32(at + i * 4)
      else {
        const [early, late] = [words[i - 15]!, words[i - 2]!]
        words[i] = words[i - 16]! + (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3))
          + words[i - 7]! + (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10))
      }
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + factors[i]! + words[i]!) | 0
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0]
    }
    ;[a, b, c, d, e, f, g, h].forEach((word, i) => (state[i]! += word))
  }
  return Array.from(state, word => word.toString(16).padStart(8, '0')).join('')
}

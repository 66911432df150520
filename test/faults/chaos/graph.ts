/** Live calls over time with the faults in it, as one SVG. */
import type { Run } from './report.ts'

const SIZE = { width: 1100, height: 300, left: 44, right: 16, top: 34, bottom: 40 }
const COLOURS =
  '#c0392b #8e44ad #2980b9 #16a085 #d35400 #7f8c8d #27ae60 #2c3e50 #b07d2b #e84393 #00b5cc #6c5ce7 #badc58 #f39c12 #5d4037'.split(
    ' ',
  )

export function graph({ samples, faults, minutes, seed }: Run): string {
  const { width, height, left, right, top, bottom } = SIZE
  const to = Math.max(1, samples.at(-1)?.at ?? 1)
  const most = Math.max(5, ...samples.map(({ live }) => live)) + 2
  const x = (at: number) => (left + (at / to) * (width - left - right)).toFixed(1)
  const y = (live: number) => (height - bottom - (live / most) * (height - top - bottom)).toFixed(1)
  const kinds = [...new Set(faults.map(({ kind }) => kind))].sort()
  const colour = (kind: string) => COLOURS[kinds.indexOf(kind) % COLOURS.length]!
  const bands = faults.map(({ kind, from, to: mended }) => {
    const wide = Math.max(2, Number(x(mended ?? to)) - Number(x(from))).toFixed(1)
    return `<rect x="${x(from)}" y="${top}" width="${wide}" height="${height - top - bottom}" fill="${colour(kind)}" opacity="0.28"><title>${kind}</title></rect>`
  })
  const levels = [0, 5, 10, 15, 20, 25].filter((level) => level <= most)
  const axes = levels.map(
    (level) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(level)}" y2="${y(level)}" stroke="#ddd"/><text x="${left - 8}" y="${Number(y(level)) + 4}" text-anchor="end">${level}</text>`,
  )
  const minute = minutes > 10 ? 5 : 1
  for (let at = 0; at <= to; at += minute * 60_000)
    axes.push(`<text x="${x(at)}" y="${height - bottom + 16}" text-anchor="middle">${at / 60_000} min</text>`)
  const line = samples.map(({ at, live }) => `${x(at)},${y(live)}`).join(' ')
  const legend = kinds.map((kind, n) => {
    const [column, row] = [left + (n % 3) * 350, height + 6 + Math.floor(n / 3) * 18]
    return `<rect x="${column}" y="${row}" width="10" height="10" fill="${colour(kind)}" opacity="0.6"/><text x="${column + 16}" y="${row + 9}">${kind}</text>`
  })
  const whole = height + 14 + Math.ceil(kinds.length / 3) * 18
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${whole}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="${left}" y="20" font-weight="bold">live calls, and the faults of a run of ${minutes} minutes with seed ${seed}</text>
${[...bands, ...axes].join('\n')}
<polyline points="${line}" fill="none" stroke="#1e4e79" stroke-width="1.6"/>
${legend.join('\n')}
</svg>
`
}

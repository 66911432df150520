/** Two curves as one SVG: CPU a call over the rate, and the p99 from a key to the next prompt over the rate. */
import type { Report } from './report.ts'
import { SUCCESS } from './window.ts'

type Point = [number, number]
interface Curve {
  name: string
  points: Point[]
}

const COLOURS: Record<string, string> = {
  native: '#555555',
  FastAGI: '#b07d2b',
  'ari-client': '#c0392b',
  websocket: '#7f8c8d',
  'apel, ari-client': '#2980b9',
  'apel, websocket': '#1e8449',
}
const SIZE = { width: 460, height: 300, left: 56, right: 16, top: 40, bottom: 44 }

export function graph(report: Report): string {
  const windows = report.blocks.flat().filter(({ success }) => success >= SUCCESS)
  const cpu = curves(windows.map(({ arm, rate, total }) => ({ arm, rate, value: total })))
  const late = curves(report.reactions.map(({ arm, rate, p99 }) => ({ arm, rate, value: p99 })))
  const panels = [
    panel('CPU a call, ms', cpu, 0),
    panel('key to next prompt, p99, ms', late, SIZE.width),
    legend([...new Set([...cpu, ...late].map(({ name }) => name))]),
  ]
  const note = `${report.machine}; ${report.date.slice(0, 10)}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * SIZE.width} ${SIZE.height + 54}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${panels.join('\n')}
<text x="${SIZE.left}" y="${SIZE.height + 44}" fill="#777" font-size="10">${escaped(note)}</text>
</svg>
`
}

function curves(values: { arm: string; rate: number; value: number }[]): Curve[] {
  return Object.keys(COLOURS).flatMap((name) => {
    const points = values.filter(({ arm }) => arm === name).map(({ rate, value }): Point => [rate, value])
    return points.length === 0 ? [] : [{ name, points: points.sort((a, b) => a[0] - b[0]) }]
  })
}

function panel(title: string, drawn: Curve[], x: number): string {
  const { width, height, left, right, top, bottom } = SIZE
  const all = drawn.flatMap(({ points }) => points)
  if (all.length === 0) return ''
  const [from, to] = [Math.min(...all.map(([rate]) => rate)), Math.max(...all.map(([rate]) => rate))]
  const step = niceStep(Math.max(...all.map(([, value]) => value)) / 5)
  const most = step * Math.ceil(Math.max(...all.map(([, value]) => value)) / step)
  const px = (rate: number) => x + left + ((rate - from) / Math.max(1, to - from)) * (width - left - right)
  const py = (value: number) => height - bottom - (value / most) * (height - top - bottom)
  const lines = [`<text x="${x + left}" y="20" font-weight="bold">${title}</text>`]
  for (let value = 0; value <= most; value += step) {
    lines.push(
      `<line x1="${x + left}" x2="${x + width - right}" y1="${py(value)}" y2="${py(value)}" stroke="#ddd"/>`,
      `<text x="${x + left - 8}" y="${py(value) + 4}" text-anchor="end">${value}</text>`,
    )
  }
  for (const rate of new Set(all.map(([rate]) => rate)))
    lines.push(`<text x="${px(rate)}" y="${height - bottom + 18}" text-anchor="middle">${rate}</text>`)
  lines.push(`<text x="${x + width / 2 + 20}" y="${height - 8}" text-anchor="middle">calls a second</text>`)
  for (const { name, points } of drawn) {
    const colour = COLOURS[name]
    const path = points.map(([rate, value]) => `${px(rate).toFixed(1)},${py(value).toFixed(1)}`)
    lines.push(`<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const point of path) {
      const [cx, cy] = point.split(',')
      lines.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`)
    }
  }
  return lines.join('\n')
}

function legend(names: string[]): string {
  return names
    .map((name, n) => {
      const x = SIZE.left + n * 140
      const y = SIZE.height + 20
      return `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${COLOURS[name]}"/><text x="${x + 16}" y="${y}">${escaped(name)}</text>`
    })
    .join('\n')
}

function niceStep(about: number): number {
  const power = 10 ** Math.floor(Math.log10(about))
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= about) ?? 10)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

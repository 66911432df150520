/**
 * The graph of a flow, drawn in Mermaid and in Graphviz's language. Ways between the same two places are one arrow with all
 * their names, so that a step with many outcomes stays readable; where nobody answered, it is dashed.
 *
 * With counts a step says how many came, an arrow how many took it and which part of those who came that is, and what
 * leads to the end is where they were lost, red where nobody answered: what the flow ends there, and whoever hung up.
 */

import { type Counts, END, type Graph, type GraphEdge, type GraphNode, graph } from './graph.ts'
import type { Program } from './program.ts'

interface Arrow {
  from: string
  to: string
  lines: string[]
  count: number | null
  missed: boolean
}

const MISSED = new Set(['give_up', 'noinput', 'nomatch', 'exhausted', 'max_hold'])
const MAX_LABEL = 38

/** One arrow for all ways between two places. */
function arrows({ nodes, edges }: Graph, counts: Counts | undefined): Arrow[] {
  const groups = new Map<string, GraphEdge[]>()
  for (const edge of edges) {
    const key = JSON.stringify([edge.from, edge.to])
    groups.set(key, [...(groups.get(key) ?? []), edge])
  }
  const came = new Map(nodes.map(({ id, count }) => [id, count]))
  // Somebody may hang up anywhere, also where the flow itself never ends.
  for (const { id, kind } of counts === undefined ? [] : nodes) {
    const key = JSON.stringify([id, END])
    if (kind === 'step' && (counts?.ended[id] ?? 0) > 0 && !groups.has(key)) groups.set(key, [])
  }
  return [...groups].map(([key, ways]) => {
    const [from, to] = JSON.parse(key) as [string, string]
    const all = came.get(from) ?? null
    const lines = ways.map(({ label, count }) => `${cut(label)}${to === END ? '' : counted(count, all)}`)
    const missed = ways.length > 0 && ways.every(({ event }) => MISSED.has(event))
    if (counts === undefined || all === null) return { from, to, lines, count: null, missed }
    if (to !== END) return { from, to, lines, count: ways.reduce((sum, { count }) => sum + (count ?? 0), 0), missed }
    const ended = counts.ended[from] ?? 0
    return { from, to, lines: [...lines, `ended here${counted(ended, all)}`], count: ended, missed }
  })
}

function counted(count: number | null, came: number | null): string {
  if (count === null || came === null) return ''
  return came === 0 ? `: ${count}` : `: ${count} (${Math.round((100 * count) / came)} %)`
}

function cut(text: string): string {
  return text.length > MAX_LABEL ? `${text.slice(0, MAX_LABEL - 1)}…` : text
}

/** Name and verb, with counts how many came; and what it says. */
function titles({ id, verb, count, text }: GraphNode): string[] {
  const name = verb === null ? id : `${id} (${verb})`
  return [count === null ? name : `${name}: ${count}`, ...wrapped(text)]
}

/** Two lines at most: a text is cut short before. */
function wrapped(text: string): string[] {
  const middle = text.length > 34 ? text.indexOf(' ', text.length / 2) : -1
  return middle < 0 ? (text === '' ? [] : [text]) : [text.slice(0, middle), text.slice(middle + 1)]
}

/** The flow as Mermaid's `flowchart`. */
export function mermaid(program: Program, counts?: Counts): string {
  const drawn = graph(program, counts)
  const ids = new Map(drawn.nodes.map((node, index) => [node.id, `n${index}`]))
  const lines = ['flowchart TD']
  for (const node of drawn.nodes) {
    const [open, close] = node.kind === 'step' ? ['[', ']'] : node.kind === 'situation' ? ['{{', '}}'] : ['([', '])']
    lines.push(`  ${ids.get(node.id)}${open}"${titles(node).map(quoted).join('<br/>')}"${close}`)
  }
  for (const { from, to, lines: label, missed } of arrows(drawn, counts))
    lines.push(`  ${ids.get(from)} ${missed ? '-.->' : '-->'}|"${label.map(quoted).join('<br/>')}"| ${ids.get(to)}`)
  return `${lines.join('\n')}\n`
}

function quoted(text: string): string {
  return text
    .replace(/&/g, '#amp;')
    .replace(/"/g, '#quot;')
    .replace(/</g, '#lt;')
    .replace(/>/g, '#gt;')
    .replace(/\n/g, ' ')
}

const STYLES: Record<GraphNode['kind'], string> = {
  start: ', shape=oval, fillcolor="#e3f1df"',
  end: ', shape=oval, fillcolor="#e8e8e8"',
  step: '',
  situation: ', shape=hexagon, fillcolor="#fff4d6"',
}

/** The flow in Graphviz's language; with counts the arrows are as thick as their traffic. */
export function dot(program: Program, counts?: Counts): string {
  const drawn = graph(program, counts)
  const all = arrows(drawn, counts)
  const most = Math.max(1, ...all.map(({ count }) => count ?? 0))
  const lines = [
    `digraph ${string(program.flow)} {`,
    '  rankdir=TB; ranksep=0.6; nodesep=0.35;',
    // A viewer's Helvetica may be wider than the one that the lay-out knows: the margins leave room.
    '  node [shape=box, style="rounded,filled", fillcolor="#eef3fb", color="gray40", fontname="Helvetica", fontsize=11, margin="0.3,0.1"];',
    '  edge [fontname="Helvetica", fontsize=9, color="gray30", arrowsize=0.8];',
  ]
  for (const node of drawn.nodes)
    lines.push(`  ${string(node.id)} [label=${string(titles(node).join('\n'))}${STYLES[node.kind]}];`)
  for (const { from, to, lines: label, count, missed } of all) {
    const width = count === null ? '' : `, penwidth=${(0.5 + (4 * count) / most).toFixed(2)}`
    const lost = missed && count !== null && count > 0
    const quiet = lost
      ? ', color="#b03a2e", fontcolor="#b03a2e"'
      : count === 0 || missed
        ? ', color="gray65", fontcolor="gray45"'
        : ''
    const dashed = missed ? ', style=dashed' : ''
    // Blanks on both sides keep the words off the line.
    const text = string(label.map((line) => `   ${line}   `).join('\n'))
    lines.push(`  ${string(from)} -> ${string(to)} [label=${text}${width}${quiet}${dashed}];`)
  }
  return `${lines.join('\n')}\n}\n`
}

function string(text: string): string {
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`
}

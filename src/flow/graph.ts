/**
 * A flow as a picture: its named steps, the end, and the ways between them, with how many conversations took each.
 *
 * An edge carries the event that an `enter` effect says of it, so the counts of a campaign (the steps that its calls
 * went through) fall on their edges by from, to and event. The wasm that lays the picture out is loaded by whoever
 * wants an SVG from `dot`.
 */

import type { Program, Step, Text } from './program.ts'
import { entrances, type Place, waysOf } from './ways.ts'

export interface GraphNode {
  id: string
  kind: 'start' | 'end' | 'step' | 'situation'
  verb: string | null
  /** What it says, cut short. */
  text: string
  count: number | null
}

export interface GraphEdge {
  from: string
  to: string
  event: string
  label: string
  count: number | null
}

export interface Graph {
  nodes: GraphNode[]
  edges: GraphEdge[]
}

/** How many conversations entered each step, went along each edge, and ended in a step. */
export interface Counts {
  steps: Record<string, number>
  edges: { from: string; to: string; event: string; count: number }[]
  ended: Record<string, number>
}

const END = 'hangup'
const START = 'start'

/** Nodes and edges of a flow; small steps of situations and built-in ones are left out. */
export function graph(program: Program, counts?: Counts): Graph {
  const nodes: GraphNode[] = [{ id: START, kind: 'start', verb: null, text: '', count: null }]
  const edges: GraphEdge[] = []
  const add = (from: string, to: Place | null, event: string, label: string | null) => {
    const target = placeName(program, to)
    if (target === null) return
    const found = edges.find((e) => e.from === from && e.to === target && e.event === event)
    if (found === undefined)
      edges.push({ from, to: target, event, label: label ?? event, count: countOf(counts, from, target, event) })
  }
  for (const { event, to } of entrances(program)) {
    if (event === 'on_error' || event.startsWith('situation')) continue
    add(START, to, event, null)
  }
  for (const step of program.steps.values()) {
    if (step.name === null) continue
    nodes.push({
      id: step.name,
      kind: 'step',
      verb: step.verb.name,
      text: short(step),
      count: counts === undefined ? null : (counts.steps[step.name] ?? 0),
    })
    for (const way of waysOf(program, step))
      if (!(way.fault && program.onError.startsWith('@')))
        add(step.name, way.to, way.event, way.label === null ? null : `${way.event}: ${way.label}`)
  }
  for (const situation of program.situations.values()) {
    const id = `situation ${situation.name}`
    nodes.push({ id, kind: 'situation', verb: null, text: situation.label ?? '', count: null })
    for (const entrance of entrances(program))
      if (entrance.event === id) add(id, entrance.to, id, situation.key === null ? 'operator' : `key ${situation.key}`)
  }
  const ended = counts === undefined ? null : Object.values(counts.ended).reduce((sum, n) => sum + n, 0)
  nodes.push({ id: END, kind: 'end', verb: null, text: '', count: ended })
  return { nodes, edges }
}

function placeName(program: Program, to: Place | null): string | null {
  if (to === null || to === 'back') return null
  if (to === 'end') return END
  return program.steps.get(to.step)?.name ?? null
}

/** The ends of a call are counted by the step they came from, whatever ended it. */
function countOf(counts: Counts | undefined, from: string, to: string, event: string): number | null {
  if (counts === undefined) return null
  return counts.edges
    .filter((e) => e.from === from && e.to === to && e.event === event)
    .reduce((n, e) => n + e.count, 0)
}

function short(step: Step): string {
  const text = step.label ?? step.verb.title?.(step.node) ?? words(step.verb.question?.(step.node))
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

function words(text: Text | undefined): string {
  if (text === undefined || text.kind === 'phrase') return ''
  const parts = text.variants.values().next().value ?? []
  return parts
    .map((part) =>
      part.kind === 'sound'
        ? `[${part.name}]`
        : part.template.map((piece) => (typeof piece === 'string' ? piece : `{${piece.source}}`)).join(''),
    )
    .join(' ')
}

/** The flow as Mermaid's `flowchart`. */
export function mermaid(program: Program, counts?: Counts): string {
  const { nodes, edges } = graph(program, counts)
  const ids = new Map(nodes.map((node, index) => [node.id, `n${index}`]))
  const lines = ['flowchart TD']
  for (const node of nodes) {
    const label = quoted([...titles(node, counts), node.text].filter((t) => t !== '').join('<br/>'))
    const [open, close] = node.kind === 'step' ? ['[', ']'] : node.kind === 'situation' ? ['{{', '}}'] : ['([', '])']
    lines.push(`  ${ids.get(node.id)}${open}"${label}"${close}`)
  }
  for (const edge of edges) lines.push(`  ${ids.get(edge.from)} -->|"${quoted(edgeLabel(edge))}"| ${ids.get(edge.to)}`)
  return `${lines.join('\n')}\n`
}

function quoted(text: string): string {
  return text.replace(/"/g, '#quot;').replace(/\n/g, ' ')
}

/** The flow in Graphviz's language; with counts the edges are as thick as their traffic. */
export function dot(program: Program, counts?: Counts): string {
  const { nodes, edges } = graph(program, counts)
  const most = Math.max(1, ...edges.map((edge) => edge.count ?? 0))
  const lines = [
    `digraph ${string(program.flow)} {`,
    '  rankdir=TB; node [shape=box, style="rounded", fontname="Helvetica", fontsize=11]; edge [fontname="Helvetica", fontsize=9];',
  ]
  for (const node of nodes) {
    const shape = node.kind === 'step' ? '' : node.kind === 'situation' ? ', shape=hexagon' : ', shape=oval'
    lines.push(
      `  ${string(node.id)} [label=${string([...titles(node, counts), node.text].filter((t) => t !== '').join('\n'))}${shape}];`,
    )
  }
  for (const edge of edges) {
    const width = edge.count === null ? '' : `, penwidth=${(0.5 + (4 * edge.count) / most).toFixed(2)}`
    const unused = edge.count === 0 ? ', color="gray70", fontcolor="gray50"' : ''
    lines.push(`  ${string(edge.from)} -> ${string(edge.to)} [label=${string(edgeLabel(edge))}${width}${unused}];`)
  }
  return `${lines.join('\n')}\n}\n`
}

/** Name, verb, and with counts how many came and how many were lost there. */
function titles(node: GraphNode, counts?: Counts): string[] {
  const name = node.verb === null ? node.id : `${node.id} (${node.verb})`
  if (node.count === null) return [name]
  const ended = counts?.ended[node.id] ?? 0
  if (node.kind !== 'step' || node.count === 0 || ended === 0) return [`${name}: ${node.count}`]
  return [`${name}: ${node.count}`, `ended here: ${ended} (${Math.round((100 * ended) / node.count)} %)`]
}

function edgeLabel(edge: GraphEdge): string {
  return edge.count === null ? edge.label : `${edge.label}: ${edge.count}`
}

function string(text: string): string {
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`
}

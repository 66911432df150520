/**
 * A flow as a graph: its named steps, the end, and the ways between them, with how many conversations took each.
 *
 * An edge carries the event that an `enter` effect says of it, so the counts of a campaign (the steps that its calls
 * went through) fall on their edges by from, to and event. By which way a call ended is not counted, only in which step:
 * edges to the end have no count of their own.
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

export const END = 'hangup'
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
    const by = situation.key === null ? 'operator' : `key ${situation.key}`
    const text = situation.label === null ? by : `${by}: ${situation.label}`
    nodes.push({ id, kind: 'situation', verb: null, text, count: null })
    for (const entrance of entrances(program)) if (entrance.event === id) add(id, entrance.to, id, by)
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

function countOf(counts: Counts | undefined, from: string, to: string, event: string): number | null {
  if (counts === undefined || to === END) return null
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

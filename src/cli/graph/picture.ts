/** A flow, drawn. */
import type { Counts } from '../../flow/graph.ts'
import { dot, mermaid } from '../../flow/picture.ts'
import type { Program } from '../../flow/program.ts'

export type Format = 'mermaid' | 'dot' | 'svg'

/** `counts` puts on each edge how many conversations took it. */
export async function drawn(flow: Program, format: Format, counts?: Counts): Promise<string> {
  if (format === 'mermaid') return mermaid(flow, counts)
  if (format === 'dot') return dot(flow, counts)
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz')
  return (await Graphviz.load()).dot(dot(flow, counts))
}

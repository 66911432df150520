/** What a run of chaos tells of itself must be right also when nothing goes wrong for hours. */
import t from 'tap'
import type { Evidence } from '../checker.ts'
import type { Crowd } from './crowd.ts'
import { graph } from './graph.ts'
import { seeded } from './random.ts'
import { type Run, table } from './report.ts'

const struck = (number: string, given: Partial<Run['struck'][0]> = {}): Run['struck'][0] => ({
  ...{ doing: 'plays', kind: 'plays', number, cut: false, reached: true, silence: 1200, ...given },
})
const run: Run = {
  ...{ minutes: 8, seed: 3, begun: 0, ended: 480_000, failures: [] },
  faults: [
    { kind: 'an instance is killed', from: 20_000, to: 30_000 },
    { kind: 'Redis is killed', from: 60_000, to: 62_000 },
    { kind: 'an instance is killed', from: 90_000, to: null },
  ],
  samples: [1, 2, 3, 4].map((n) => ({ at: n * 30_000, live: 10 + n })),
  struck: [struck('+1'), struck('+2', { reached: false, silence: 9000 }), struck('+3', { cut: true, silence: 99_000 })],
}
const crowd = { people: [], refused: new Map([['gate_closed', 2]]) } as unknown as Crowd
const evidence = { dialogs: [], records: [], deliveries: [] } as unknown as Evidence

t.test('the table counts faults by kind, who reached their end, and leaves out whose Asterisk died', async (t) => {
  const told = table(run, crowd, evidence, ['P1: the attempt a1 has more than one dialog on the wire'])
  for (const line of [
    /an instance is killed +2\n/,
    /\nfaults +3\n/,
    /\ndoubles +1\n/,
    /\nresults lost +0\n/,
    /requests refused +2 gate_closed\n/,
    /at a kill: plays +1 of 2 reached their end\n/,
    /calls live at a kill +2\n/,
    /that reached their end +1 \(50\.0 %\)\n/,
    /their Asterisk was killed +1\n/,
    /of those live at a kill +9\.0 s\n/,
  ])
    t.match(told, line)
})

t.test('the graph has every fault, also one that was not over, and the calls', async (t) => {
  const svg = graph(run)
  t.equal(svg.match(/<title>an instance is killed<\/title>/g)?.length, 2)
  t.equal(svg.match(/<polyline points="([^"]*)"/)?.[1]?.split(' ').length, 4)
  t.notMatch(svg, /NaN|Infinity/)
  t.notMatch(graph({ ...run, samples: [], faults: [] }), /NaN|Infinity/)
})

t.test('a seed gives the same chances again, and another one others', async (t) => {
  const ten = (seed: number) => {
    const random = seeded(seed)
    return Array.from({ length: 10 }, () => random.next())
  }
  t.same(ten(1), ten(1))
  t.notSame(ten(1), ten(2))
  t.ok([...ten(1), ...ten(2)].every((each) => each >= 0 && each < 1))
})

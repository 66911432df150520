import t from 'tap'
import { graph } from '../../../src/flow/graph.ts'
import { dot, mermaid } from '../../../src/flow/picture.ts'
import { flow, press, pressInto, silent, talk } from './talk.ts'

const program = flow(`
start: { human: greet, machine: hangup }
situations: { again: { key: "*", label: Says it again, goto: repeat }, lost: { goto: bye } }
steps:
  greet: { say: "Hello \\"friend\\"." }
  ask:
    menu: "To confirm, press 1. To wait, press 2."
    options:
      "1": { label: Confirms, say: "Thank you.", outcome: yes, goto: hangup }
      "2": wait
      "3": repeat
    noinput: ["Hm?", { say: "Well.", goto: bye }]
  wait: { hold: true, task: { external: x }, on: { done: bye, failed: bye } }
  bye: { hangup: { say: "Bye." } }
`)

t.test('nodes are the named steps, the start, the end and the situations', async (t) => {
  const { nodes } = graph(program)
  t.strictSame(
    nodes.map(({ id, kind }) => `${kind} ${id}`),
    [
      'start start',
      'step greet',
      'step ask',
      'step wait',
      'step bye',
      'situation situation again',
      'situation situation lost',
      'end hangup',
    ],
  )
})

t.test('edges carry the event that the trace of a call says', async (t) => {
  const { edges } = graph(program)
  const names = edges.map(({ from, event, to }) => `${from} -${event}-> ${to}`)
  for (const edge of [
    'start -start-> greet',
    'start -machine-> hangup',
    'greet -next-> ask',
    'ask -option 1-> hangup',
    'ask -option 2-> wait',
    'ask -option 3-> ask',
    'ask -noinput-> bye',
    'ask -give_up-> hangup',
    'wait -done-> bye',
    'wait -max_hold-> hangup',
    'bye -hangup-> hangup',
    'situation lost -situation lost-> bye',
  ])
    t.ok(names.includes(edge), edge)
  for (const script of [[press('2'), { task: { name: 'x' } }], [silent, silent], [press('1')], [pressInto('2')]]) {
    const { steps } = talk(program, script)
    for (const [index, step] of steps.slice(1).entries())
      t.ok(names.includes(`${steps[index]!.step} -${step.event}-> ${step.step}`), `${step.step} by ${step.event}`)
  }
})

const counts = {
  steps: { greet: 10, ask: 8, wait: 3, bye: 4 },
  edges: [
    { from: 'greet', to: 'ask', event: 'next', count: 8 },
    { from: 'ask', to: 'wait', event: 'option 2', count: 3 },
  ],
  ended: { greet: 2, ask: 4, bye: 4 },
}

t.test('counts stand on the steps and edges, with those who were lost', async (t) => {
  const drawn = graph(program, counts)
  t.match(
    drawn.edges.find((e) => e.event === 'option 2'),
    { count: 3 },
  )
  t.match(
    drawn.edges.find((e) => e.event === 'option 3'),
    { count: 0 },
  )
  const picture = dot(program, counts)
  t.match(picture, /"greet" \[label="greet \(say\): 10\\n/)
  t.match(picture, /"ask" -> "wait" \[label=" {3}option 2: 3 \(38 %\) {3}"/)
  t.match(
    picture,
    /"ask" -> "hangup" \[label=" {3}option 1: Confirms {3}\\n {3}give_up {3}\\n {3}ended here: 4 \(50 %\) {3}"/,
  )
  t.match(picture, /"greet" -> "hangup" \[label=" {3}ended here: 2 \(20 %\) {3}"/, 'who hung up where no way ends')
})

t.test('the picture in Mermaid and in DOT, with quotes made harmless', async (t) => {
  t.match(
    mermaid(program),
    /^flowchart TD\n {2}n0\(\["start"\]\)\n {2}n1\["greet \(say\)<br\/>Hello #quot;friend#quot;\."\]/,
  )
  t.match(mermaid(program), /n2 -->\|"option 1: Confirms<br\/>give_up"\| n7/, 'two ways to one place are one arrow')
  t.match(dot(program), /^digraph "t" \{\n/)
  t.match(dot(program), /label="greet \(say\)\\nHello \\"friend\\"\."/)
})

/** Flows that a fault may fall into, each long enough to be in the middle of its one thing, and ended by the key 1. */

const flow = (name: string, steps: string) => `
flow: ${name}
language: en
voice: { name: en-gb, rate: 170 }
vars: { answer: {}, word: "", to: "" }
defaults: { timeout: 8s }
limits: { max_call_time: 2m }
start: one
steps:
${steps}
`
const end = 'options: { "1": { say: "Goodbye.", outcome: ended, goto: hangup } }'
const story = 'Once upon a time there was a telephone that nobody could take away from those who were talking on it'

/** By name, as `startSystem` takes them. */
export const TALKS = {
  brief: flow('brief', '  one: { say: "Good morning.", outcome: ended, next: hangup }'),
  story: flow('story', `  one: { say: "${story}, ${story}." }\n  two: { menu: "To end, press 1.", ${end} }`),
  wait: flow('wait', `  one: { menu: "Please think, and then press 1.", timeout: 25s, ${end} }`),
  hold: flow(
    'hold',
    `  one: { hold: "One minute, please.", task: { external: desk }, save: answer, on: { done: two, failed: two } }
  two: { menu: "It is {answer.text}. To end, press 1.", ${end} }`,
  ),
  message: flow(
    'message',
    `  one: { record: "Please speak.", save: word, final_silence: 2s }
  two: { menu: "Thank you. To end, press 1.", ${end} }`,
  ),
  talk: flow(
    'talk',
    `  one: { dial: { number: "{to}" }, timeout: 20s, on: { completed: two, busy: two, no_answer: two, failed: two } }
  two: { menu: "That was it. To end, press 1.", ${end} }`,
  ),
}

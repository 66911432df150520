/** `menu: TEXT` asks for one of its keys. */

import { z } from 'zod'
import { ask } from '../asking.ts'
import { leaveBy } from '../going.ts'
import type { Manner, Step, Target, Text } from '../program.ts'
import { key, manner, target, text } from '../schema.ts'
import { speech } from '../turn.ts'
import type { Verb } from '../verb.ts'

interface Menu {
  text: Text
  options: Map<string, Target>
  manner: Manner
}

export const menuVerb: Verb<Menu> = {
  name: 'menu',
  shape: {
    menu: text,
    options: z
      .record(key, target, { error: 'expected a map: key to target' })
      .refine((options) => Object.keys(options).length > 0, { error: 'a menu has at least one option' }),
    ...manner,
  },
  outcomes: ['give_up'],
  goesOn: false,
  build: (raw, b) => ({
    text: b.text(raw.menu, 'menu'),
    options: new Map(Object.entries(raw.options).map(([k, to]) => [k, b.target(to, 'options', k)])),
    manner: b.manner(raw),
  }),
  enter: (turn, step) => ask(turn, step),
  asks: {
    manner: (step) => step.node.manner,
    prompt: (turn, step) => speech(turn, step.node.text),
    key(turn, { node }: Step<Menu>, pressed) {
      const option = node.options.get(pressed)
      if (option === undefined) return 'miss'
      leaveBy(turn, option, `option ${pressed}`)
      return 'taken'
    },
    situations: () => () => true,
  },
  exits: ({ node }) =>
    [...node.options].map(([k, to]) => ({
      event: `option ${k}`,
      target: to,
      mover: 'them',
      label: to.to === 'inline' ? to.inline.label : null,
    })),
  question: (node) => node.text,
  keys: (node) => [...node.options.keys()],
  ladders: (node) => node.manner,
}

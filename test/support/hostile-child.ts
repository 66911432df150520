/** Reads the worst texts in a process of its own, which an abort would end without a word. */
import { loadFlows } from '../../src/flow/load.ts'
import { filesOf, worst } from './hostile.ts'

const texts = worst()
for (const { text } of texts) loadFlows(filesOf(text))
console.log(`${texts.length} read`)

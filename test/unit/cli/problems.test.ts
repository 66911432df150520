/** Faults as they are printed: one line, and the place that is meant. */
import t from 'tap'
import { excerpt, problemLine } from '../../../src/cli/problems.ts'
import type { Problem } from '../../../src/errors.ts'

const at = (line: number, column: number): Problem => ({
  file: '/home/ana/flows/a.yaml',
  line,
  column,
  severity: 'error',
  code: 'yaml',
  message: 'm',
})

t.test('a fault is one line, with the file as it is seen from where one stands', async (t) => {
  t.equal(problemLine(at(2, 3), '/home/ana'), 'flows/a.yaml:2:3 error m [yaml]')
  t.equal(problemLine(at(2, 3), '/srv/apel/deep'), '/home/ana/flows/a.yaml:2:3 error m [yaml]')
})

t.test('the caret stands under the place, whatever the line ends with and begins with', async (t) => {
  t.equal(excerpt('a: 1\r\n  b: 2\r\n', at(2, 3)), '      b: 2\n      ^\n')
  t.equal(excerpt('\uFEFFa: [', at(1, 4)), '    a: [\n       ^\n')
  t.equal(excerpt('\t\tb: 2', at(1, 3)), '    \t\tb: 2\n    \t\t^\n')
  t.equal(excerpt('a: 1', at(1, 5)), '    a: 1\n        ^\n', 'also behind the last letter')
})

t.test('a line that is not there, or blank, is not shown', async (t) => {
  t.equal(excerpt('a: 1\n', at(7, 1)), '')
  t.equal(excerpt('', at(1, 1)), '')
})

t.test('of a long line the part around the place is shown', async (t) => {
  const [line = '', caret = ''] = excerpt(`${'x'.repeat(5000)}HERE${'y'.repeat(5000)}`, at(1, 5001)).split('\n')
  t.ok(line.length < 130, `${line.length} letters`)
  t.match(line, /^ {4}…x+HERE/)
  t.equal(caret.indexOf('^'), line.indexOf('HERE'))
})

t.test('what a terminal would act on is shown as a box', async (t) => {
  t.equal(excerpt('a: \u001b[31mred\u0000', at(1, 4)), '    a: ▯[31mred▯\n       ^\n')
})

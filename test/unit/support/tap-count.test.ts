import t from 'tap'
import { countTap } from '../../support/tap-count.ts'

const table: [string, string, ReturnType<typeof countTap>][] = [
  [
    'results of subtests are counted once, by the line that sums them up',
    'TAP version 14\n# Subtest: a\n    ok 1 - x\n    not ok 2 - y\n    1..2\nnot ok 1 - a\nok 2 - b\n1..2\n',
    { passed: 1, failed: 1, skipped: 0, whole: true },
  ],
  [
    'buffered subtests too',
    'ok 1 - a # time=2ms {\n    ok 1 - x\n    1..1\n}\n\n1..1\n',
    { passed: 1, failed: 0, skipped: 0, whole: true },
  ],
  [
    'skipped and open ones count as neither',
    'ok 1 - a # SKIP no network\nnot ok 2 - b # TODO later\nok 3\n1..3\n',
    { passed: 1, failed: 0, skipped: 2, whole: true },
  ],
  ['a file that breaks off is not whole', 'ok 1 - a\nok 2 - b\n', { passed: 2, failed: 0, skipped: 0, whole: false }],
  ['nor one with fewer results than planned', '1..2\nok 1 - a\n', { passed: 1, failed: 0, skipped: 0, whole: false }],
  ['a bail-out is a failure', 'ok 1 - a\nBail out! no\n', { passed: 1, failed: 1, skipped: 0, whole: false }],
  ['silence is no success', '', { passed: 0, failed: 0, skipped: 0, whole: false }],
]

for (const [name, output, expected] of table) {
  t.test(name, (t) => {
    t.strictSame(countTap(output), expected)
    t.end()
  })
}

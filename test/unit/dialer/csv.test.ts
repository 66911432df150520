import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { delimiterOf, type ReadRow, readCsv, readNdjson } from '../../../src/dialer/csv.ts'

t.setTimeout(60_000)

async function csv(...chunks: (string | Buffer)[]): Promise<ReadRow[]> {
  const rows: ReadRow[] = []
  for await (const row of readCsv(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) rows.push(row)
  return rows
}
async function ndjson(text: string): Promise<ReadRow[]> {
  const rows: ReadRow[] = []
  for await (const row of readNdjson(Readable.from([Buffer.from(text)]))) rows.push(row)
  return rows
}
const data = (rows: ReadRow[]) => rows.map((row) => ('data' in row ? { ...row.data } : row.reason))

t.test('rows come with their number and the names of their columns', async (t) => {
  const rows = await csv('Phone,First Name\n0712345678,Ana\n\n0712345679,"Pop, Ion"\n')
  t.match(rows, [
    { row: 1, columns: ['phone', 'first_name'], data: { phone: '0712345678', first_name: 'Ana' } },
    { row: 2, data: { first_name: 'Pop, Ion' } },
  ])
})

t.test('delimiter, byte-order mark, encoding and line ends are found', async (t) => {
  const expected = [{ a: '1', b: 'ă' }]
  t.same(data(await csv('\uFEFFa;b\r\n1;ă\r\n')), expected)
  t.same(data(await csv('a\tb\n1\tă')), expected)
  t.same(data(await csv('a|b\n1|ă\n')), expected)
  t.same(data(await csv(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('a,b\n1,ă\n', 'utf16le')]))), expected)
  t.same(data(await csv(Buffer.from('a,b\n1,ă\n', 'utf16le'))), expected)
  t.same(
    data(await csv(Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from('a,b\n1,ă\n', 'utf16le').swap16()]))),
    expected,
  )
  t.same(
    data(await csv(Buffer.from('a,b\n1,'), Buffer.from([0xc4]), Buffer.from([0x83, 0x0a]))),
    expected,
    'a letter in two chunks',
  )
  t.match(data(await csv(Buffer.from('a,b\n1,\xe3\n2,x\n', 'latin1'))), [/not UTF-8/, { a: '2' }])
  t.equal(delimiterOf('"a,b,c";d'), ';')
})

t.test('a cell may hold line breaks and quotes; a lost quote does not cost the file', async (t) => {
  t.same(data(await csv('a,b\n"line 1\nline ""2""",x\n2,y\n')), [
    { a: 'line 1\nline "2"', b: 'x' },
    { a: '2', b: 'y' },
  ])
  t.same(data(await csv('a,b\n5" pipe,x\n2,y\n')), [
    { a: '5" pipe', b: 'x' },
    { a: '2', b: 'y' },
  ])
  const lost = data(await csv('a,b\n"lost,x\n2,y\n3,z\n'))
  t.match(lost[0], /quote in it is never closed/)
  t.same(lost.slice(1), [
    { a: '2', b: 'y' },
    { a: '3', b: 'z' },
  ])
})

t.test('a faulty row is one reject, the rest goes on', async (t) => {
  const rows = await csv('a,b\n1,x,too,many\n2\n3,ok,,\n4,a\u0000b\n5,\u001f\n6,fine\n')
  t.match(data(rows), [
    /has 4 cells, the header 2/,
    { a: '2', b: '' },
    { a: '3' },
    /control character/,
    /control character/,
    { a: '6' },
  ])
  t.match(rows[3], { row: 4, column: 'b' })
})

t.test('a line of 400 MB and a row of a million cells cost one row, and no memory', async (t) => {
  const huge = Buffer.alloc(1024 * 1024, 'x')
  async function* body(): AsyncGenerator<Buffer> {
    yield Buffer.from('a,b\n1,ok\n')
    for (let i = 0; i < 400; i++) yield huge
    yield Buffer.from(`\n2,ok\n"`)
    for (let i = 0; i < 20; i++) yield huge
    yield Buffer.from(`",z\n3,ok\n${','.repeat(1_000_000)}\n4,ok\n`)
  }
  let peak = 0
  const rows: ReadRow[] = []
  for await (const row of readCsv(Readable.from(body()))) {
    rows.push(row)
    peak = Math.max(peak, process.memoryUsage().heapUsed + process.memoryUsage().external)
  }
  const good = rows.filter((row) => 'data' in row).map((row) => row.row)
  t.equal(good.length, 4)
  t.ok(rows.length <= 10, `${rows.length} rows`)
  t.ok(peak < 250e6, `${Math.round(peak / 1e6)} MB`)
})

t.test('a file that cannot be read at all is an error of the file', async (t) => {
  await t.rejects(csv('Phone,phone\n1,2\n'), { code: 'bad_request', message: /both named `phone`/ })
  await t.rejects(csv(''), { code: 'bad_request', message: /empty/ })
  await t.rejects(csv('a,,b\n1,2,3\n'), { code: 'bad_request', message: /column 2 has no name/ })
  await t.rejects(csv(`${','.repeat(600)}\n`), { code: 'bad_request', message: /at most 500/ })
})

t.test('NDJSON: texts, numbers and truth become text; all else is a reject', async (t) => {
  const rows = await ndjson(
    '{"Phone":"071","n":5,"ok":true,"none":null}\n\nnot json\n[1]\n{"a":{"b":1}}\n{"A":1,"a":2}\n{"__proto__":{"x":1}}\n{"constructor":"c"}\n',
  )
  t.match(data(rows), [
    { phone: '071', n: '5', ok: 'true', none: '' },
    /not JSON/,
    /not a JSON object/,
    /not a text/,
    /two fields/,
    /not a text/,
    { constructor: 'c' },
  ])
  t.same(
    rows.map(({ row }) => row),
    [1, 2, 3, 4, 5, 6, 7],
  )
})

t.test('however the bytes are cut, the rows are the same', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'ă', '"', ',', '\n', '€', ' ', '1') })
  const quoted = (text: string) => `"${text.replace(/"/g, '""')}"`
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      async (table, size) => {
        const text = `a,b\n${table.map((row) => row.map(quoted).join(',')).join('\n')}\n`
        const bytes = Buffer.from(text)
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        )
        const read = data(await csv(...chunks))
        const meant = table.map(([a, b]) => ({ a: a.trim(), b: b.trim() }))
        return JSON.stringify(read) === JSON.stringify(meant)
      },
    ),
    { numRuns: 300 },
  )
})

t.test('garbage never throws anything but an error of the file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), async (chunks) => {
      try {
        await csv(...chunks.map((chunk) => Buffer.from(chunk)))
        return true
      } catch (error) {
        return (error as { code?: string }).code === 'bad_request'
      }
    }),
    { numRuns: 500 },
  )
})

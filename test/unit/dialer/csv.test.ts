import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { delimiterOf, type ReadRow, readCsv, readNdjson } from '../../../src/dialer/csv.ts'

t.setTimeout(60_000)

const home = { country: 'RO', charset: null }

async function csv(...chunks: (string | Buffer)[]): Promise<ReadRow[]> {
  return await all(readCsv(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), home))
}
async function ndjson(text: string): Promise<ReadRow[]> {
  return await all(readNdjson(Readable.from([Buffer.from(text)]), home))
}
async function all(source: AsyncIterable<ReadRow>): Promise<ReadRow[]> {
  const rows: ReadRow[] = []
  for await (const row of source) rows.push(row)
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
  t.match(
    data(await csv(Buffer.from('a,b\n0,ăț\n'), Buffer.from('1,\xe3\n2,x\n', 'latin1'))),
    [{ b: 'ăț' }, /not UTF-8/, { a: '2' }],
    'one faulty letter does not make another encoding of the file',
  )
  t.same(data(await csv('sep=;\r\na;b\r\n1;"x,y;z"\r\n')), [{ a: '1', b: 'x,y;z' }], 'as spreadsheets say it')
  t.equal(delimiterOf('"a,b,c";d'), ';')
})

t.test('the old pages of Europe are told by their letters, then by the country', async (t) => {
  // What the bytes beyond ASCII stand for, written out: Node encodes none of these pages.
  const bytes = (text: string, page: Record<string, number>) =>
    Buffer.from([...text].map((sign) => page[sign] ?? sign.charCodeAt(0)))
  const central = {
    ă: 0xe3,
    â: 0xe2,
    î: 0xee,
    ş: 0xba,
    ţ: 0xfe,
    Ş: 0xaa,
    ł: 0xb3,
    ó: 0xf3,
    ą: 0xb9,
    ś: 0x9c,
    š: 0x9a,
    ž: 0x9e,
  }
  const latin2 = { ...central, ą: 0xb1, ś: 0xb6, š: 0xb9, ž: 0xbe, č: 0xe8 }
  const western = { é: 0xe9, è: 0xe8, ç: 0xe7, ô: 0xf4, ê: 0xea, ñ: 0xf1, ü: 0xfc, '€': 0x80 }
  const read = async (body: Buffer, country: string) =>
    data(await all(readCsv(Readable.from([Buffer.from('n\n'), body]), { country, charset: null })))
  for (const [name, page, country] of [
    ['Ştefan Brăila', central, 'RO'],
    ['Iaşi', central, 'DE'],
    ['Brăila', central, 'RO'],
    ['Łódź'.replace('Ł', 'l').replace('ź', 'z'), western, 'RO'],
    ['Wąsłoś', central, 'PL'],
    ['Wąsłoś', latin2, 'PL'],
    ['Žiža šč'.replace('Ž', 'z').replace('č', 'c'), central, 'SI'],
    ['Hélène Françoise Côté', western, 'RO'],
    ['Ampère à 5 €'.replace('à', 'a'), western, 'FR'],
    ['Muñoz', western, 'ES'],
    ['Müller', western, 'RO'],
  ] as const)
    t.same(await read(bytes(name, page as Record<string, number>), country), [{ n: name }], `${name} in ${country}`)
  const stated = readCsv(Readable.from([Buffer.from('n\nMu\xf1oz\n', 'latin1')]), {
    country: 'RO',
    charset: 'windows-1252',
  })
  t.same(data(await all(stated)), [{ n: 'Muñoz' }], 'what the sender says goes before a guess')
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
  const met = data(await csv('a,b\n"lost,x\n2,y\n3,"z"\n4,"two\nlines"\n'))
  t.match(met[0], /quote in it is never closed/, 'also when a later quote seems to close it')
  t.same(met.slice(1), [
    { a: '2', b: 'y' },
    { a: '3', b: 'z' },
    { a: '4', b: 'two\nlines' },
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
  for await (const row of readCsv(Readable.from(body()), home)) {
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

t.test('what is written by the rules is read as it was meant', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'ă', '"', ',', '\n', '€', ' ', '1') })
  const quoted = (text: string) => `"${text.replace(/"/g, '""')}"`
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }), async (table) => {
      const text = `a,b\n${table.map((row) => row.map(quoted).join(',')).join('\n')}\n`
      const meant = table.map(([a, b]) => ({ a: a.trim(), b: b.trim() }))
      return JSON.stringify(data(await csv(text))) === JSON.stringify(meant)
    }),
    { numRuns: 300 },
  )
})

t.test('however the bytes are cut, the rows are the same', async () => {
  const piece = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom('a', '1', ',', '\n', '\r\n', '"', '""', ' ', '",', ',"', '\n"', 'ă', '€', '\u0000'),
    },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(70_000), ','.repeat(3000), '"'.repeat(41), '\ufffd') },
  )
  const faulty = fc.constantFrom(Buffer.alloc(0), Buffer.from([0xe3]), Buffer.from([0xc4]), Buffer.from([0xff, 0xfe]))
  const file = fc
    .tuple(
      fc.constantFrom('utf8', 'utf16le', 'latin1'),
      fc.constantFrom('', '\ufeff'),
      fc.array(piece, { maxLength: 40 }),
      faulty,
    )
    .map(([encoding, mark, pieces, end]) =>
      Buffer.concat([Buffer.from(`${mark}a,b\n${pieces.join('')}\n1,2\n`, encoding as 'utf8'), end]),
    )
  const outcome = async (chunks: Buffer[]) => {
    try {
      return JSON.stringify(await csv(...chunks))
    } catch (error) {
      return (error as Error).message
    }
  }
  await fc.assert(
    fc.asyncProperty(
      file,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      async (bytes, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b), bytes.length]
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        const small = bytes.length < 500 ? [...bytes].map((byte) => Buffer.from([byte])) : chunks
        const whole = await outcome([bytes])
        return whole === (await outcome(chunks)) && whole === (await outcome(small))
      },
    ),
    { numRuns: 500 },
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

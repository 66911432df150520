import t from 'tap'
import { operationTable } from '../../../src/ari/operations.ts'

t.test('a method and a path find their operation and the names in the path', async (t) => {
  const paths = [
    '/channels',
    '/channels/{channelId}',
    '/channels/create',
    '/channels/{channelId}/play/{playbackId}',
    '/asterisk/variable',
  ]
  const operations = ['get', 'post', 'delete'].flatMap((method) => paths.map((path) => ({ method, path })))
  const find = operationTable(operations)
  t.match(find('POST', '/channels/create'), { operation: { path: '/channels/create' }, names: {} })
  t.match(find('DELETE', '/channels/a%2Fb'), { operation: { method: 'delete' }, names: { channelId: 'a/b' } })
  t.match(find('POST', '/channels/c/play/p'), { names: { channelId: 'c', playbackId: 'p' } })
  t.equal(find('PUT', '/channels'), null)
  t.equal(find('GET', '/bridges'), null)
  t.equal(find('GET', '/channels/c/play/p/more'), null)
})

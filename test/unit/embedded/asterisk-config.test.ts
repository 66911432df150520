import { join } from 'node:path'
import t from 'tap'
import { configurationFiles } from '../../../src/embedded/asterisk-config.ts'
import { projectRoot } from '../../../src/embedded/tools.ts'

const shape = {
  ...{ sipPort: 5060, bind: '127.0.0.1', httpPort: 8088, rtp: { from: 10_000, to: 10_100 } },
  ...{ peers: {}, ariUser: 'apel', ariPassword: 'secret' },
}
const dialplans = join(projectRoot(), 'dialplans')
const folders = { run: '/run', short: '/run', dialplans, modules: '/modules', data: '/data' }

t.test('only an Asterisk that knows the section is asked to tell its messages by one thread', async (t) => {
  const asked = (version: string): boolean => {
    const text = configurationFiles(shape, folders, version).get('stasis.conf') ?? ''
    const section = /^\[taskpool\]\nminimum_size = 1\ninitial_size = 1\n/m.test(text)
    t.equal(/^(minimum_size|initial_size)/m.test(text), section, 'the section is there as a whole, or not at all')
    t.match(text, /^\[declined_message_types\]$/m)
    return section
  }
  for (const version of ['20.17.0', '20.20.1', '22.7.0', '22.10.1+dfsg+~cs6.17', '23.1', '24.0.0'])
    t.ok(asked(version), version)
  for (const version of ['20.16.0', '21.12.3', '22.6.2', '23.0.0', '18.9', 'certified/20.7-cert5', ''])
    t.notOk(asked(version), version)
})

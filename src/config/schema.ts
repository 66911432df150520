/** The whole of `apel.yaml`, key by key, with the default of every key that is left out. */
import { z } from 'zod'
import {
  address,
  allowedHost,
  country,
  destination,
  duration,
  e164,
  hostPort,
  name,
  port,
  portRange,
  positive,
  template,
  text,
  url,
  whole,
  yesNo,
  zone,
} from './values.ts'
import { windows } from './windows.ts'

const wrap = (key: string) => (value: unknown) => (typeof value === 'string' ? { [key]: value } : value)

const redis = z
  .strictObject({
    url: url('redis', 'rediss').optional(),
    sentinels: z.array(z.string().regex(hostPort, 'must be HOST:PORT')).min(1).optional(),
    name: text.optional(),
    username: text.optional(),
    password: text.optional(),
    db: whole(0, 15).default(0),
    allow_unsafe: yesNo.default(false),
  })
  .prefault({})

const trunk = z.strictObject({
  name,
  endpoint: template.optional(),
  number_format: z.enum(['e164', 'digits', 'national', 'idd']).default('e164'),
  channels: whole(1, 100_000).default(30),
  cps: positive(10_000).default(10),
  caller_ids: z.array(e164).default([]),
})

const peer = z.preprocess(
  wrap('uri'),
  z.strictObject({
    uri: text,
    username: text.optional(),
    password: text.optional(),
    register: yesNo.default(false),
    from_domain: text.optional(),
    codecs: z.array(text).min(1).default(['ulaw', 'alaw']),
    allow_from: z.array(text).default([]),
    qualify: whole(0, 86_400).optional(),
  }),
)

const embedded = z.strictObject({
  sip_port: port.default(5070),
  http_port: port.default(8098),
  rtp: portRange.prefault('20000-20999'),
  bind: address.optional(),
  external_address: text.optional(),
  peers: z.record(z.string(), peer).prefault({ carrier: 'sip:127.0.0.1:5090' }),
})

const node = z.strictObject({
  name,
  embedded: embedded.optional(),
  url: url('http', 'https').optional(),
  username: text.optional(),
  password: text.optional(),
  transport: z.enum(['auto', 'ari-client', 'websocket']).default('auto'),
  sounds: z
    .preprocess(
      (value) => (value === 'http' ? { http: null } : value),
      z
        .strictObject({ shared: text.optional(), http: url('http', 'https').nullable().optional() })
        .refine(
          (value) => (value.shared === undefined) !== (value.http === undefined),
          'must be { shared: FOLDER }, `http`, or { http: ADDRESS }',
        ),
    )
    .optional(),
  trunks: z.array(trunk).optional(),
  extensions: template.optional(),
})

/** Not `call.step`: a request for every step would be a flood; `/v1/events` tells them. */
const events = z.enum(['call.started', 'call.ended', 'callback.scheduled', 'campaign.state', 'trunk.state'])

export const configSchema = z.strictObject({
  instance: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be a name of letters, digits, `-`, `_` and `.`')
    .optional(),
  data_dir: text.default('./data'),
  flows: text.default('./scripts-yaml'),
  redis,
  asterisk: z
    .array(node)
    .min(1)
    .prefault([{ name: 'local', embedded: {} }]),
  policy: z
    .strictObject({
      default_country: country.default('RO'),
      timezone: zone.default('Europe/Bucharest'),
      allow: z.array(destination).default([]),
      windows: windows.prefault({ 'mon-sat': '08:00-21:00' }),
      per_number: z
        .strictObject({
          per_day: whole(1, 1000).nullable().default(null),
          per_week: whole(1, 10_000).nullable().default(null),
        })
        .prefault({}),
    })
    .prefault({}),
  inbound: z
    .record(z.string(), z.preprocess(wrap('flow'), z.strictObject({ flow: name, campaign: name.optional() })))
    .default({}),
  agents: z.record(name, z.array(z.strictObject({ name, endpoint: text }))).default({}),
  speech: z
    .strictObject({
      engine: z.enum(['espeak-ng', 'command']).optional(),
      command: z
        .preprocess((value) => (typeof value === 'string' ? value.split(' ') : value), z.array(text).min(1))
        .optional(),
    })
    .prefault({}),
  http: z.strictObject({ allow_hosts: z.array(allowedHost).default([]) }).prefault({}),
  api: z
    .strictObject({
      host: text.default('127.0.0.1'),
      port: whole(0, 65535).default(8080),
      tokens: z
        .array(
          z.strictObject({
            name,
            token: z.string().regex(/^[\x21-\x7e]+$/, 'must be a text without blanks'),
            scopes: z.array(z.enum(['read', 'dial', 'campaign', 'admin'])).min(1),
          }),
        )
        .default([]),
    })
    .prefault({}),
  recordings: z.strictObject({ enabled: yesNo.default(false), keep: duration.prefault('30d') }).prefault({}),
  retention: z
    .strictObject({
      records: duration.prefault('365d'),
      journals: duration.prefault('30d'),
      vars: duration.prefault('90d'),
    })
    .prefault({}),
  webhooks: z
    .array(
      z.strictObject({
        url: url('http', 'https'),
        secret: text,
        events: z.array(events).min(1).default(['call.ended', 'callback.scheduled']),
      }),
    )
    .default([]),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info') })
    .prefault({}),
  drain_timeout: duration.prefault('10m'),
})

export type ConfigInput = z.output<typeof configSchema>

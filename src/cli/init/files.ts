/** What `apel init` writes. A test holds every file against `apel check`. */
import { flowSchemaText } from '../../flow/json-schema.ts'

const config = `# Everything that is not here has its default; \`apel check\` says what is wrong, \`apel doctor\` what is missing.
data_dir: ./data
flows: ./scripts-yaml

asterisk:
  # An Asterisk that the service runs itself. For your own, give url, username and password instead of \`embedded\`.
  - name: local
    embedded:
      peers:
        carrier: "sip:127.0.0.1:5090"      # with an account: { uri, username, password, register: true }
    trunks:
      - name: carrier
        endpoint: "PJSIP/{number}@carrier"
        channels: 30                       # calls at once
        cps: 10                            # calls begun in a second
        caller_ids: []                     # the numbers that may be shown, such as "+40311234567"

policy:
  default_country: RO
  timezone: Europe/Bucharest
  allow: []                                # nothing is dialled until a prefix stands here, such as "+40"
  windows: { mon-sat: "08:00-21:00" }      # in the time of the one who is called
  per_number: { per_day: 3, per_week: 7 }

# inbound: { "+40311234567": reminder, default: reminder }

# Without tokens the API answers this machine only.
# api: { host: 0.0.0.0, tokens: [ { name: ops, token: "\${APEL_TOKEN}", scopes: [admin] } ] }
`

const flow = `# yaml-language-server: $schema=../flow.schema.json
flow: reminder
description: Reminds of a visit, and lets the callee confirm it or be called later
language: en
vars: { clinic: "St Luke's" }
start: greet
steps:
  greet:
    say: "Good morning, {contact.name}. This is {clinic}."

  confirm:
    menu: "You have a visit on {contact.visit}. To confirm it, press 1. If you cannot come, press 2. If you are busy now, press 3."
    options:
      "1": { label: Confirms, say: "Thank you. We look forward to seeing you.", outcome: confirmed, goto: bye }
      "2": { label: Cannot come, say: "Thank you for telling us.", outcome: cancelled, goto: bye }
      "3": later

  later:
    callback: "When may we call you again?"
    choices: [30m, "tomorrow 10:00", enter_time]
    on: { scheduled: hangup, declined: bye, unavailable: bye }

  bye:
    hangup: { say: "Goodbye." }
`

const test = `flow: reminder
tests:
  - name: the callee confirms
    contact: { name: Ana, visit: "Monday at ten" }
    script: [ { hears: "Good morning, Ana" }, { hears: "Monday at ten" }, { press: "1" }, { hears: "look forward" }, { hears: "Goodbye" } ]
    ends: { disposition: completed, outcome: confirmed }

  - name: the callee cannot come
    contact: { name: Ana, visit: "Monday at ten" }
    script: [ { hears: "If you cannot come, press 2" }, { press: "2" }, { hears: "Thank you for telling us." } ]
    ends: { disposition: completed, outcome: cancelled }

  - name: the callee is busy and asks to be called in half an hour
    contact: { name: Ana, visit: "Monday at ten" }
    script: [ { hears: "If you are busy now" }, { press: "3" }, { hears: "When may we call you again?" }, { press: "1" } ]
    ends: { disposition: callback, callback_in: 30m }

  - name: a silent callee hears two phrases and is let go
    contact: { name: Ana, visit: "Monday at ten" }
    script: [ silent, { hears: "Please speak" }, silent, { hears: "call you back" } ]
    ends: { disposition: silent }
`

const campaign = `campaign: reminders
flow: reminder
contacts: { file: contacts.csv, key: phone, number: phone }
window: { mon-fri: ["09:00-13:00", "14:00-18:00"] }
dial: { trunks: [carrier], ring: 25s, concurrency: 5 }
attempts: { max: 3 }
retry:
  busy: { delay: 10m, max: 2 }
  no_answer: { delay: 2h, max: 2 }
`

const contacts = `phone,name,visit
+40711111111,Ana,Monday at ten
+40711111112,Dan,Monday at eleven
+40711111113,Ioana,Tuesday at nine
`

/** By their path in the project. The schema lies beside the flows, so that an editor finds it without the program. */
export const files = (): Record<string, string> => ({
  'apel.yaml': config,
  'scripts-yaml/flow.schema.json': flowSchemaText(),
  'scripts-yaml/flows/reminder.yaml': flow,
  'scripts-yaml/tests/reminder.test.yaml': test,
  'scripts-yaml/campaigns/reminders.yaml': campaign,
  'scripts-yaml/campaigns/contacts.csv': contacts,
})

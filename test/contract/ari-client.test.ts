import { ordinaryDay } from './ordinary-day.ts'

await ordinaryDay('ari-client', 'ari-client')

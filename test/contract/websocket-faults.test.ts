import { badDay } from './bad-day.ts'

await badDay('websocket')

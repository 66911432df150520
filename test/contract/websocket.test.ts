import { ordinaryDay } from './ordinary-day.ts'

await ordinaryDay('websocket', 'websocket')

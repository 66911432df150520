/** The service as a whole: its health, its flows, its switches. */
import type { Problem } from '../../errors.ts'

export interface Health {
  ready: boolean
  /** Why it is not ready; null when it is. */
  reason: string | null
  redis: { writable: boolean; reason: string | null }
  ledger: { loaded: boolean; reason: string | null }
  nodes: { name: string; linked: boolean; reason: string | null }[]
}

export interface FlowView {
  name: string
  description: string | null
  version: string
  language: string
  /** Relative to the folder of flows. */
  file: string
  steps: string[]
  /** A flow with an error takes part in no call. */
  problems: Problem[]
}

export interface ControlPort {
  /** No new call anywhere until `resume`. */
  stop(): Promise<{ paused: boolean }>
  resume(): Promise<{ paused: boolean }>
  /**
   * Reads the flows and campaigns again; a file with an error keeps its former version. `config_changed`: `apel.yaml` waits for the
   * next start.
   */
  reload(): Promise<{ flows: number; campaigns: number; problems: Problem[]; config_changed: boolean }>
}

/** One run of the bench: the stage, the arms that are up, every window that was measured, and whether the machine was ours. */
import { type Arm, settled } from './arm.ts'
import { type ArmName, startArm } from './arms/all.ts'
import { Meter } from './cpu.ts'
import { type Stage, startStage } from './stage.ts'
import { measure, type Window, type WindowOptions } from './window.ts'

/** The share of the machine that others may use, 0 to 1, before a figure is worth nothing. */
export const BUSY = 0.1

export class MachineBusy extends Error {}

export class Session {
  readonly stage: Stage
  readonly windows: Window[] = []
  readonly #force: boolean
  readonly #say: (text: string) => void
  readonly #arms = new Map<ArmName, Arm>()

  constructor(stage: Stage, force: boolean, say: (text: string) => void) {
    this.stage = stage
    this.#force = force
    this.#say = say
  }

  static async start(force: boolean, say: (text: string) => void): Promise<Session> {
    const meter = new Meter([])
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const others = meter.others()
    if (others > BUSY && !force) throw busy(others)
    return new Session(await startStage(), force, say)
  }

  /** The arm, started and warm: the first calls of a process cost what no later one does. */
  async arm(name: ArmName): Promise<Arm> {
    const known = this.#arms.get(name)
    if (known) return known
    const arm = await startArm(name, this.stage)
    this.#arms.set(name, arm)
    this.#say(`${name}: warming up`)
    await measure(this.stage, arm, 1000, 50)
    return arm
  }

  /** One window of an arm; once again when others were at work meanwhile. */
  async window(name: ArmName, calls: number, rate: number, options: WindowOptions = {}): Promise<Window> {
    const arm = await this.arm(name)
    for (let again = false; ; again = true) {
      const window = await measure(this.stage, arm, calls, rate, options)
      this.#say(line(window))
      if (window.complaint !== '') this.#say(`  ${window.complaint}`)
      if (window.others <= BUSY || this.#force) {
        this.windows.push(window)
        return window
      }
      if (again) throw busy(window.others)
      this.#say(`others used ${percent(window.others)} of the machine; once more`)
    }
  }

  /** The most that others used in any window, 0 to 1. */
  get others(): number {
    return Math.max(0, ...this.windows.map(({ others }) => others))
  }

  async stop(): Promise<void> {
    await settled([...this.#arms.values()].map((arm) => arm.stop()))
    await this.stage.stop()
  }
}

function busy(others: number): MachineBusy {
  return new MachineBusy(
    `Other programs use ${percent(others)} of this machine, at most ${percent(BUSY)} may be: such figures would mean nothing. End them and try again, or use --force and read the figures with that in mind.`,
  )
}

function line({ arm, rate, calls, success, onTime, cpu, total }: Window): string {
  const parts = Object.entries(cpu).map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
  const good = `${percent(success)} good${onTime ? '' : ', late'}`
  return `${arm.padEnd(20)} ${calls} calls at ${rate}/s: ${total.toFixed(2)} ms a call (${parts.join(', ')}), ${good}`
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

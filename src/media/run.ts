/**
 * Runs a program to its end: bytes in, bytes out, never a shell. Every run has a deadline and a bound on what it may
 * write, since a speech engine that hangs or floods must cost one sound and not the service.
 */
import { spawn } from 'node:child_process'
import { ApelError } from '../errors.ts'

const most = 64 * 1024 * 1024

export interface Run {
  program: string
  args: string[]
  input: Buffer
  /** ms; then the process is killed. */
  deadline: number
}

/** What the program wrote to its standard output. Rejects with `speech_failed`, `speech_missing` or `speech_slow`. */
export function run({ program, args, input, deadline }: Run): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    let size = 0
    let complaint = ''
    const fail = (code: string, message: string, again = false) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new ApelError(code, message, { program }, again))
    }
    const timer = setTimeout(
      () => fail('speech_slow', `${program} did not end within ${deadline} ms; it was stopped.`, true),
      deadline,
    )
    child.stdout.on('data', (piece: Buffer) => {
      size += piece.length
      if (size > most) fail('speech_failed', `${program} wrote more than ${most} bytes; it was stopped.`)
      else out.push(piece)
    })
    child.stderr.on('data', (piece: Buffer) => {
      if (complaint.length < 2000) complaint += piece.toString('utf8')
    })
    // A program that ends without reading all of its input closes the pipe; its exit code tells the rest.
    child.stdin.on('error', () => {})
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT')
        fail('speech_missing', `${program} is not there. Run \`make setup\`, or name another engine under \`speech\`.`)
      else fail('speech_failed', `${program} cannot be started: ${error.message}`, true)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve(Buffer.concat(out))
      else fail('speech_failed', `${program} ended with ${signal ?? code}: ${complaint.trim() || 'no word of why'}`)
    })
    child.stdin.end(input)
  })
}

declare module 'ding-dong' {
  interface Context {
    onEvent(event: 'variables' | 'hangup' | 'close'): Promise<Record<string, string>>
    on(event: 'error' | 'close', listener: (error?: Error) => void): void
    streamFile(file: string, escapeDigits: string): Promise<{ code: number; result: string }>
    hangup(): Promise<{ code: number; result: string }>
    end(): Promise<void>
  }
  interface Options {
    port?: number
    host?: string
  }
  const AgiServer: new (handler: (context: Context) => void, options?: Options) => { start(): unknown }
  export default AgiServer
}

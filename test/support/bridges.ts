/** The bridges of an Asterisk by what its `bridge show all` says, without the lobbies, which go some seconds after the last call (`src/ari/lobbies.ts`). */
export function bridgesIn(shown: string): string[] {
  const [, ...lines] = shown.split('\n').filter((line) => line.trim() !== '')
  return lines.filter((line) => !line.startsWith('apel-lobby-'))
}

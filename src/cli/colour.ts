/**
 * Colours for a terminal, and none anywhere else: picocolors alone also colours what a build server (`CI`) only keeps, and a
 * script that reads our answers there would find escape codes in them. `NO_COLOR` and `FORCE_COLOR` mean what they mean
 * everywhere (https://no-color.org, https://force-color.org).
 */
import pc from 'picocolors'

const { env, stdout } = process
const wanted = !env.NO_COLOR && (Boolean(env.FORCE_COLOR) || (stdout.isTTY === true && env.TERM !== 'dumb'))

export const colour = pc.createColors(wanted)

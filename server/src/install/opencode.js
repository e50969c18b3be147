// Hands each event to `trace hook opencode` and does what the answer says. Written by `trace install opencode`.
import { spawnSync } from "node:child_process"

const ask = (name, directory, payload) => {
  const command = `${PROGRAM} hook opencode ${name}`
  const run = spawnSync(command, { shell: true, input: JSON.stringify({ directory, ...payload }), encoding: "utf8", timeout: 10000 })
  try { return JSON.parse(run.stdout || "{}") } catch { return {} }
}

export const Trace = async ({ client, directory }) => {
  const tell = async (message) => {
    try { await client.tui.showToast({ body: { message, variant: "warning" } }) } catch {}
  }
  const lastReply = async (sessionID) => {
    try {
      const { data } = await client.session.messages({ path: { id: sessionID } })
      const last = data.filter((message) => message.info.role === "assistant").at(-1)
      return last.parts.filter((part) => part.type === "text").map((part) => part.text).join("\n")
    } catch { return undefined }
  }
  return {
    "chat.message": async (input, output) => {
      const answer = ask("chat.message", directory, { input, output })
      const last = output.parts.findLast((part) => part.type === "text")
      if (answer.context && last) output.parts.push({ ...last, id: `${last.id}0`, text: answer.context, synthetic: true })
    },
    "tool.execute.before": async (input, output) => {
      const answer = ask("tool.execute.before", directory, { input, output })
      if (answer.deny) throw new Error(answer.deny)
      if (answer.args) Object.assign(output.args, answer.args)
    },
    "tool.execute.after": async (input, output) => {
      const answer = ask("tool.execute.after", directory, { input, output })
      if (answer.context) output.output += `\n\n${answer.context}`
    },
    event: async (input) => {
      const type = input.event.type
      if (!["session.created", "session.idle", "session.compacted"].includes(type)) return
      const id = input.event.properties.sessionID
      const reply = type === "session.idle" ? await lastReply(id) : undefined
      const answer = ask(type, directory, { input, reply })
      if (answer.notice) await tell(answer.notice)
      if (answer.hold) {
        try { await client.session.prompt({ path: { id }, body: { parts: [{ type: "text", text: answer.hold }] } }) } catch {}
      }
    },
  }
}

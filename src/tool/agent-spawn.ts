import { ToolError } from "../model/tool.ts";
import type { Authority, Child, Spawner } from "./ports.ts";
import { names } from "./skill-read.ts";
import { defineTool, fields, type Tool } from "./tool.ts";

interface Arguments {
  readonly agent: string;
  readonly goal: string;
  /** Capabilities that the child is given of those that this run holds leases for; the kernel delegates them. */
  readonly leases?: readonly string[];
}

/** `agent.spawn`: a child run of a pinned blueprint; whoever joins the rooms starts it. `depth` is that of this run, from 0. */
export function agentSpawn(options: {
  readonly children: readonly Child[];
  readonly depth: number;
  readonly spawner: Spawner;
  readonly authority: Authority;
}): Tool {
  const { children, depth, spawner, authority } = options;
  return defineTool<Arguments>({
    name: "agent.spawn",
    taxon: "agent",
    readOnly: false,
    idempotency: "unsafe",
    inputSchema: fields(
      {
        agent: { type: "string" },
        goal: { type: "string", minLength: 1, maxLength: 20_000 },
        leases: { type: "array", maxItems: 32, items: { type: "string", maxLength: 4096 } },
      },
      ["leases"],
    ),
    outputSchema: fields({
      run: { type: "string" },
      state: { enum: ["paused", "completed", "failed", "terminated"] },
      answer: { type: "string" },
    }),
    permit: () => authority.spawn({ depth: depth + 1 }),
    needs: ({ agent }) => [{ resource: "agent", action: "spawn", path: [agent], deep: false }],
    prepare({ agent, goal }, { signal, leased }) {
      const found = children.find((child) => child.name === agent);
      if (found === undefined) {
        throw new ToolError("no-such-agent", `there is no agent \`${agent}\` to start; there are: ${names(children)}`);
      }
      const child: Child = { name: found.name, version: found.version, blueprint: found.blueprint };
      return {
        resolution: { child: { ...child }, depth: depth + 1 },
        act: () => spawner.spawn({ child, goal, delegated: leased?.delegated ?? [] }, signal),
        close: () => undefined,
      };
    },
  });
}

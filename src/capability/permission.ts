import { BugError } from "../model/errors.ts";
import type { FileAction } from "../model/hook.ts";
import type { Taxon } from "../model/phase.ts";
import type { Permission } from "../model/tool.ts";
import { effectiveBudgets } from "./budgets.ts";
import { at, decide, indexed, inOrder } from "./decision.ts";
import { domainDenied, domainMatches } from "./domains.ts";
import { type FileRules, fileRules, intersectTrees, segmentsOf, type Tree } from "./files.ts";
import type { Budgets, Layer } from "./layer.ts";
import { argvDenied, argvMatches } from "./words.ts";

/**
 * The effective permission of a run: the intersection of its layers. Everything is denied unless every layer allows it, and
 * an explicit denial in any of them wins. Answers are pure, do not depend on the order of the layers, and name the layer and
 * the rule that decided. Paths are compared as they are written, denials also in every spelling of case and Unicode.
 */
export interface Authority {
  tool(tool: { readonly name: string; readonly taxon: Taxon }): Permission;
  /** `path` is relative to the workspace, in the one spelling that the file tools accept. */
  file(action: FileAction, path: string): Permission;
  /**
   * The whole argv, element by element. `really`: command lines that it comes to once names and interpreters are looked up; what
   * is denied under one of these is denied.
   */
  process(argv: readonly string[], really?: readonly (readonly string[])[]): Permission;
  /** What network processes reach: `host` only where every layer says so. */
  readonly processNetwork: "none" | "host";
  /** `host` as a URL spells it. */
  network(host: string): Permission;
  /** Whether a tool may be handed the secret of this name. */
  secret(name: string): Permission;
  /** `depth` of the child, from 1. */
  spawn(child: { readonly depth: number }): Permission;
  /** The smallest depth and number of child runs that any layer allows. */
  readonly spawnLimits: { readonly depth: number; readonly count: number };
  /** The smallest bound that any layer sets; what no layer bounds is left out. */
  readonly budgets: Budgets;
  /** The parts of the workspace that may be given to a process as a whole. */
  trees(action: FileAction): readonly Tree[];
  /** Whether a path is denied explicitly; or whether something below it could be. */
  hides(path: string): "whole" | "part" | "nothing";
}

/**
 * Throws `InputError` for a path pattern that could not mean what it says, and `BugError` for no layers at all, since an
 * empty intersection would allow everything.
 */
export function effectivePermission(layers: readonly Layer[]): Authority {
  if (layers.length === 0)
    throw new BugError({ code: "no-layers", message: "effective permission needs at least one layer" });
  const sorted = inOrder(layers);
  const files = new Map(sorted.map((layer) => [layer, fileRules(layer)]));
  const rules = (layer: Layer): FileRules => files.get(layer) ?? fileRules(layer);

  return {
    tool: ({ name, taxon }) =>
      decide(sorted, `the tool \`${name}\` (${taxon})`, {
        denied: (layer) => indexed("tools.deny", layer.tools.deny, (denied) => denied === name),
        allowed: (layer) => {
          if (!layer.tools.taxa.includes(taxon)) return { missing: `tools.taxa (no ${taxon})` };
          const allows = (allowed: string): boolean => allowed === "*" || allowed === name;
          return indexed("tools.allow", layer.tools.allow, allows) ?? { missing: "tools.allow" };
        },
      }),
    file(action, path) {
      const segments = segmentsOf(path);
      if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
        return {
          allow: false,
          rule: "pinion: one spelling of a path",
          reason: `\`${path}\` is not a plain path below the workspace`,
        };
      }
      return decide(sorted, `to ${action} \`${path}\``, {
        denied: (layer) => at("filesystem.deny", layer.filesystem.deny, rules(layer).deniedBy(segments)),
        allowed: (layer) =>
          at(`filesystem.${action}`, layer.filesystem[action], rules(layer).allowedBy(action, segments)) ?? {
            missing: `filesystem.${action}`,
          },
      });
    },
    process: (argv, really = []) =>
      decide(sorted, `to run ${JSON.stringify(argv)}`, {
        denied: (layer) =>
          indexed("process.deny", layer.process.deny, (pattern) =>
            [argv, ...really].some((words) => argvDenied(pattern, words)),
          ),
        allowed: (layer) =>
          indexed("process.allow", layer.process.allow, (pattern) => argvMatches(pattern, argv)) ?? {
            missing: "process.allow",
          },
      }),
    processNetwork: sorted.every(({ process }) => process.network === "host") ? "host" : "none",
    network: (host) =>
      decide(sorted, `to reach \`${host}\``, {
        denied: (layer) => indexed("network.deny", layer.network.deny, (domain) => domainDenied(domain, host)),
        allowed: (layer) =>
          indexed("network.domains", layer.network.domains, (domain) => domainMatches(domain, host)) ?? {
            missing: "network.domains",
          },
      }),
    secret: (name) =>
      decide(sorted, `to hand over the secret \`${name}\``, {
        allowed: (layer) =>
          indexed("secrets.allow", layer.secrets.allow, (allowed) => allowed === "*" || allowed === name) ?? {
            missing: "secrets.allow",
          },
      }),
    spawn: ({ depth }) =>
      decide(sorted, `a child at depth ${depth}`, {
        allowed: ({ spawn }) => {
          if (spawn.count < 1) return { missing: `spawn.count ${spawn.count}` };
          return depth > spawn.depth ? { missing: `spawn.depth ${spawn.depth}` } : `spawn.depth ${spawn.depth}`;
        },
      }),
    spawnLimits: {
      depth: Math.min(...sorted.map(({ spawn }) => spawn.depth)),
      count: Math.min(...sorted.map(({ spawn }) => spawn.count)),
    },
    budgets: effectiveBudgets(sorted),
    trees: (action) => sorted.map((layer) => rules(layer).trees(action)).reduce(intersectTrees),
    hides(path) {
      const segments = segmentsOf(path);
      if (sorted.some((layer) => rules(layer).deniedBy(segments) !== -1)) return "whole";
      return sorted.some((layer) => rules(layer).deniesBelow(segments)) ? "part" : "nothing";
    },
  };
}

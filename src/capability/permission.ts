import { BugError } from "../model/errors.ts";
import type { FileAction } from "../model/hook.ts";
import type { Taxon } from "../model/phase.ts";
import type { Permission } from "../model/tool.ts";
import { type FileRules, fileRules, intersectTrees, segmentsOf, type Tree } from "./files.ts";
import type { Layer } from "./layer.ts";

/**
 * The effective permission of a run: the intersection of its layers. Everything is denied unless every layer allows it, and
 * an explicit denial in any of them wins. Answers are pure, do not depend on the order of the layers, and name the layer and
 * the rule that decided. Paths are compared as they are written, denials also in every spelling of case and Unicode.
 */
export interface Authority {
  tool(tool: { readonly name: string; readonly taxon: Taxon }): Permission;
  /** `path` is relative to the workspace, in the one spelling that the file tools accept. */
  file(action: FileAction, path: string): Permission;
  /** The whole argv, element by element. */
  process(argv: readonly string[]): Permission;
  /** What network processes reach: `host` only where every layer says so. */
  readonly processNetwork: "none" | "host";
  /** `host` in lower case, as a URL spells it. */
  network(host: string): Permission;
  /** Whether a tool may be handed the secret of this name. */
  secret(name: string): Permission;
  /** `depth` of the child, from 1. */
  spawn(child: { readonly depth: number }): Permission;
  /** The smallest depth and number of child runs that any layer allows. */
  readonly spawnLimits: { readonly depth: number; readonly count: number };
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
  const sorted = [...layers].sort((left, right) => (left.name < right.name ? -1 : 1));
  const files = new Map(sorted.map((layer) => [layer, fileRules(layer)]));
  const rules = (layer: Layer): FileRules => files.get(layer) ?? fileRules(layer);

  return {
    tool: ({ name, taxon }) =>
      decide(sorted, `the tool \`${name}\` (${taxon})`, {
        denied: (layer) => indexed("tools.deny", layer.tools.deny, (denied) => denied === name),
        allowed: (layer) => {
          if (!layer.tools.taxa.includes(taxon)) return { missing: `tools.taxa (no ${taxon})` };
          return indexed("tools.allow", layer.tools.allow, (allowed) => allowed === name) ?? { missing: "tools.allow" };
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
    process: (argv) =>
      decide(sorted, `to run ${JSON.stringify(argv)}`, {
        allowed: (layer) =>
          indexed("process.allow", layer.process.allow, (pattern) => argvMatches(pattern, argv)) ?? {
            missing: "process.allow",
          },
      }),
    processNetwork: sorted.every(({ process }) => process.network === "host") ? "host" : "none",
    network: (host) =>
      decide(sorted, `to reach \`${host}\``, {
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
    trees: (action) => sorted.map((layer) => rules(layer).trees(action)).reduce(intersectTrees),
    hides(path) {
      const segments = segmentsOf(path);
      if (sorted.some((layer) => rules(layer).deniedBy(segments) !== -1)) return "whole";
      return sorted.some((layer) => rules(layer).deniesBelow(segments)) ? "part" : "nothing";
    },
  };
}

interface Question {
  /** The rule of the layer that denies explicitly, if one does. */
  readonly denied?: (layer: Layer) => string | undefined;
  /** The rule of the layer that allows, or where one is missing. */
  readonly allowed: (layer: Layer) => string | { readonly missing: string };
}

function decide(layers: readonly Layer[], subject: string, question: Question): Permission {
  for (const layer of layers) {
    const rule = question.denied?.(layer);
    if (rule !== undefined) return { allow: false, rule: `${layer.name}: ${rule}`, reason: `${subject} is denied` };
  }
  const granted: string[] = [];
  for (const layer of layers) {
    const rule = question.allowed(layer);
    if (typeof rule !== "string") {
      return { allow: false, rule: `${layer.name}: ${rule.missing}`, reason: `${subject} is not allowed` };
    }
    granted.push(`${layer.name}: ${rule}`);
  }
  return { allow: true, rule: granted.join("; "), reason: `${subject} is allowed` };
}

function at(field: string, patterns: readonly unknown[], index: number): string | undefined {
  return index === -1 ? undefined : `${field}[${index}] ${JSON.stringify(patterns[index])}`;
}

function indexed<T>(field: string, patterns: readonly T[], test: (pattern: T) => boolean): string | undefined {
  return at(field, patterns, patterns.findIndex(test));
}

/** Exactly as many elements as the pattern has; `*` is one element of any content, everything else is literal. */
function argvMatches(pattern: readonly string[], argv: readonly string[]): boolean {
  return pattern.length === argv.length && pattern.every((part, index) => part === "*" || part === argv[index]);
}

/** `example.com`, or `*.example.com`: below it, at any depth, not itself. */
function domainMatches(domain: string, host: string): boolean {
  if (!domain.startsWith("*.")) return host === domain;
  const suffix = domain.slice(1);
  return host.endsWith(suffix) && host.length > suffix.length;
}

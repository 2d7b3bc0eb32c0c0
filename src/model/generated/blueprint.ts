// Generated from schemas/blueprint.v1.json by scripts/generate-types.ts. Do not edit.

/**
 * A name: lower-case letters, digits and single hyphens.
 */
export type Name = string;
/**
 * An exact semantic version, in quotes.
 */
export type Version = string;
/**
 * A path in the workspace, or a pattern for several: `*` stands for any part of one name, `**` for any number of folders.
 */
export type Glob = string;
/**
 * The name of a tool.
 */
export type Tool = string;
/**
 * A kind of resource.
 */
export type Resource = "fs" | "http" | "process" | "tool" | "agent" | "secret";
/**
 * A capability: resource, what of it, actions, and constraints.
 */
export type Capability = string;
/**
 * One command line; a word `*` stands for exactly one argument, a last word `**` for any further ones.
 *
 * Items: One word.
 */
export type Argv = string[];
/**
 * A domain with its exact name; `*.` in front stands for every subdomain, not for the domain itself; `*` alone for every domain.
 */
export type Domain = string;
/**
 * A relative path, `/` between its parts, without `..`.
 */
export type Path = string;
/**
 * Names of pinned hooks.
 */
export type Shadows = Name[];
/**
 * The sha256 of the file's bytes.
 */
export type Digest = import("../canonical.ts").Digest;
/**
 * A path inside the blueprint's folder, or `builtin:` and a path inside Pinion's own installation. It is only a place to look: the bytes are verified by digest.
 */
export type Source = string;

/**
 * The definition of an agent. It pins everything that can change how the agent behaves; its digest is the sha256 of its canonical form (RFC 8785).
 */
export interface AgentBlueprint {
  /**
   * The version of this format.
   */
  apiVersion: "pinion.dev/v1";
  /**
   * What this file is.
   */
  kind: "AgentBlueprint";
  /**
   * What the agent is called. The name and the version must be those of the pin that refers to it.
   */
  metadata: {
    name: Name;
    version: Version;
    /**
     * What it is for, in one line.
     */
    description?: string;
  };
  /**
   * What the agent is.
   */
  spec: {
    /**
     * The model that drives the agent.
     */
    runtime: {
      /**
       * How the model is reached. `scripted` plays a pinned script, without network.
       */
      adapter: "scripted" | "openai" | "anthropic" | "google" | "openai-compatible";
      /**
       * The provider's id of the model; for `scripted` the name of a pin in `pins.scripts`.
       */
      model: string;
      /**
       * Where the provider is reached instead of its usual address; needed for `openai-compatible`.
       */
      baseUrl?: string;
      /**
       * Settings of the model; what is left out is the provider's default.
       */
      settings: {
        /**
         * Randomness of the answers.
         */
        temperature?: number;
        /**
         * Tokens that one answer may have.
         */
        maxOutputTokens?: number;
      };
      /**
       * Milliseconds that one answer may take, retries not included.
       */
      timeoutMs: number;
      /**
       * How often a request is repeated after a refusal for load (429), a server error (5xx) or a lost connection.
       */
      retries: number;
    };
    /**
     * What the agent is told before anything else: exactly one of the two fields.
     */
    instructions: {
      prompt?: Name;
      /**
       * The text itself.
       */
      text?: string;
    };
    /**
     * What tools may touch in the world. The policy bundle is asked as well; both must allow.
     */
    execution: {
      /**
       * How processes are confined, in order of preference: the first that the machine has. `unconfined` must be listed to be used.
       *
       * Items: One backend.
       */
      backend: ("bwrap" | "unconfined")[];
      /**
       * Files of the workspace. Nothing may be touched that is not listed; `deny` wins.
       */
      filesystem: {
        /**
         * `direct`: tools work on the workspace itself. `overlay`: what they change lands in a layer of the run; the workspace stays as it is until a person commits (`pinion run diff`, `commit`, `discard`).
         */
        mode: "direct" | "overlay";
        /**
         * How much the layer of an overlay may hold; only with `mode: overlay`.
         */
        quota?: {
          /**
           * Bytes of all files that were written, as their sizes say. Without it, 1 GiB.
           */
          bytes?: number;
          /**
           * Files, directories and links that were written. Without it, 100,000.
           */
          files?: number;
        };
        /**
         * Paths that may be read.
         */
        read: Glob[];
        /**
         * Paths that may be written.
         */
        write: Glob[];
        /**
         * Paths that may not be touched, whatever the other lists say.
         */
        deny: Glob[];
      };
      /**
       * Processes that may be started.
       */
      process: {
        /**
         * Command lines that may be started, word for word.
         */
        allow: string[][];
        /**
         * `none`: processes reach no network. `host`: they reach whatever the machine reaches. The policy bundle must say `host` as well.
         */
        network: "none" | "host";
        /**
         * Limits of one command and everything that it starts, with either backend.
         */
        limits: {
          /**
           * The longest time by the wall clock, in ms; a call may ask for less.
           */
          timeoutMs: number;
          /**
           * Processor time of all its processes together, in ms.
           */
          cpuMs: number;
          /**
           * Memory of all its processes together, in bytes.
           */
          memoryBytes: number;
          /**
           * Processes that are alive at once.
           */
          processes: number;
          /**
           * Bytes of each file that it writes.
           */
          fileBytes: number;
          /**
           * Bytes that are kept of its stdout, and as many of its stderr; what is between the first and the last half of them is left out.
           */
          outputBytes: number;
        };
      };
      /**
       * Network that may be reached.
       */
      network: {
        /**
         * Domains that may be reached, with their exact names; `*.` in front stands for every subdomain.
         *
         * Items: One domain.
         */
        domains: string[];
      };
    };
    /**
     * How much of the conversation the model is shown.
     */
    context: {
      /**
       * Bytes that all messages may have; beyond it the oldest tool results become stubs.
       */
      maxBytes: number;
      /**
       * Bytes of one tool result; beyond it the result is cut.
       */
      maxResultBytes: number;
    };
    /**
     * Secrets that are handed to tools when they run, by name. Where a tool puts one is said by the tool registry; its value is the user's.
     */
    secrets: {
      /**
       * One secret.
       */
      [k: string]: {
        /**
         * Tools that may be handed it.
         */
        tools: Tool[];
        /**
         * Whether the run starts without it.
         */
        optional: boolean;
      };
    };
    /**
     * Leases: capabilities of limited time and use. They never widen what is allowed.
     */
    leases: {
      /**
       * Kinds of resources that the agent may use under a lease only.
       */
      require: Resource[];
      /**
       * Leases that the agent holds when the run starts.
       */
      grant: Capability[];
    };
    /**
     * What a person must approve before it happens, besides what the policy says.
     */
    approvals: Approval[];
    /**
     * Tools that the agent is offered. A tool must be allowed by name and by taxon; `deny` wins.
     */
    tools: {
      /**
       * Side-effect classes that are allowed.
       *
       * Items: One taxon.
       */
      taxa: ("pure" | "workspace" | "filesystem" | "network" | "process" | "git" | "browser" | "input" | "agent")[];
      /**
       * Tools that are allowed.
       */
      allow: Tool[];
      /**
       * Tools that are not allowed, whatever the other lists say.
       */
      deny: Tool[];
    };
    /**
     * The gates of the agent: which pinned hooks are asked at which boundary.
     */
    hooks: {
      template?: Name;
      chain: Chain;
      /**
       * Configuration of each hook, as its manifest describes it.
       */
      config: {
        /**
         * The configuration of one hook.
         */
        [k: string]: import("../json.ts").JsonObject;
      };
      /**
       * Limits of each hook that are narrower than those of its manifest.
       */
      limits: {
        /**
         * The limits of one hook.
         */
        [k: string]: {
          /**
           * Milliseconds that one call may take, hostcalls included.
           */
          deadlineMs?: number;
          /**
           * Milliseconds that one call may spend waiting for the answers to its hostcalls.
           */
          hostcallMs?: number;
          /**
           * Instructions of WebAssembly that one call may execute; loading the hook is a call, and so is each instance that a call starts with.
           */
          fuel?: number;
          /**
           * Pages of 64 KiB that all memories of an instance may have together.
           */
          memoryPages?: number;
          /**
           * Entries that all tables of an instance may have together.
           */
          tableEntries?: number;
          /**
           * Bytes that one answer may have.
           */
          outputBytes?: number;
          /**
           * Hostcalls that one call may make.
           */
          hostcalls?: number;
          /**
           * Events that one call may emit.
           */
          events?: number;
          /**
           * Bytes that the events of one call may have together, kinds and data.
           */
          eventBytes?: number;
          /**
           * Files and directories that it may create in one run. Each one counts, also when it has been removed since.
           */
          files?: number;
          /**
           * Bytes that it may write to files in one run. Every write counts with its whole length, also one that fails or replaces what was there.
           */
          fileBytes?: number;
        };
      };
      /**
       * What each hook may do: a part of what its manifest asks for; without a grant, nothing.
       */
      grants: {
        /**
         * The grant of one hook.
         */
        [k: string]: {
          /**
           * Tools that it may request.
           */
          tools: Tool[];
          /**
           * Folders of the workspace that it may open.
           *
           * Items: One folder.
           */
          files: {
            name: Name;
            path: Path;
            /**
             * What may be done there.
             *
             * Items: What may be done with the files.
             */
            actions: ("read" | "write")[];
          }[];
        };
      };
      /**
       * Hooks that run beside each phase and are recorded but never obeyed: proposals. They are pinned, and in no chain.
       */
      shadow: {
        "pre-plan": Shadows;
        "pre-send": Shadows;
        "post-receive": Shadows;
        "pre-tool": Shadows;
        "post-tool": Shadows;
        "state-transition": Shadows;
        spawn: Shadows;
        audit: Shadows;
      };
    };
    /**
     * Upper bounds of one run.
     */
    limits: {
      /**
       * Steps.
       */
      steps: number;
      /**
       * Tokens of the model, in and out together.
       */
      tokens: number;
      /**
       * Tool calls.
       */
      toolCalls: number;
      /**
       * Milliseconds that one step may take.
       */
      stepMs: number;
      /**
       * Milliseconds that the run may take.
       */
      runMs: number;
      /**
       * How deep children may nest; 0: no children.
       */
      spawnDepth: number;
      /**
       * How many children the run may start.
       */
      spawnCount: number;
    };
    /**
     * Every file that the agent is made of.
     */
    pins: {
      /**
       * Hook manifests; a manifest names its component by digest.
       */
      hooks: HookPin[];
      policy: Pin;
      tools: Pin;
      pipeline?: Pin;
      /**
       * Skills: SKILL.md files.
       */
      skills: Pin[];
      /**
       * Prompts: text files.
       */
      prompts: Pin[];
      /**
       * Scripts of the `scripted` model.
       */
      scripts: Pin[];
      /**
       * Blueprints of the children that `agent.spawn` may start.
       */
      blueprints: Pin[];
    };
  };
}
/**
 * Calls that need the approval of a person: those of the tools or taxa that it lists and, where `when` says more, of these alone.
 */
export interface Approval {
  /**
   * What people and journals call the rule.
   */
  name: string;
  /**
   * Tools.
   */
  tools: Tool[];
  /**
   * Side-effect classes.
   *
   * Items: One taxon.
   */
  taxa: ("pure" | "workspace" | "filesystem" | "network" | "process" | "git" | "browser" | "input" | "agent")[];
  /**
   * Narrows the rule to calls that name one of these; a call to which none of the lists applies needs the approval all the same.
   */
  when: {
    /**
     * Command lines, for `process.run`.
     */
    argv?: Argv[];
    /**
     * Paths in the workspace, for tools that name files.
     */
    paths?: Glob[];
    /**
     * Domains, for `http.fetch`.
     */
    domains?: Domain[];
  };
  /**
   * What an answer may cover at most: this action `once`, the same action for the rest of the `run`, or a `pattern` of actions for the rest of the run.
   *
   * Items: One scope.
   */
  scopes: ("once" | "run" | "pattern")[];
  /**
   * Milliseconds after which nobody's answer is a denial.
   */
  expiresMs: number;
  /**
   * Who may answer. Nobody listed: whoever may control the run.
   */
  approvers: {
    /**
     * Users of the operating system.
     *
     * Items: One user name.
     */
    users: string[];
    /**
     * Public keys: answers must be signed by one of them.
     *
     * Items: One public key.
     */
    keys: string[];
  };
}
/**
 * Names of pinned hooks for each phase, in the order in which they are asked.
 */
export interface Chain {
  /**
   * Hooks at the boundary `pre-plan`.
   */
  "pre-plan"?: Name[];
  /**
   * Hooks at the boundary `pre-send`.
   */
  "pre-send"?: Name[];
  /**
   * Hooks at the boundary `post-receive`.
   */
  "post-receive"?: Name[];
  /**
   * Hooks at the boundary `pre-tool`.
   */
  "pre-tool"?: Name[];
  /**
   * Hooks at the boundary `post-tool`.
   */
  "post-tool"?: Name[];
  /**
   * Hooks at the boundary `state-transition`.
   */
  "state-transition"?: Name[];
  /**
   * Hooks at the boundary `spawn`.
   */
  spawn?: Name[];
  /**
   * Hooks at the boundary `audit`.
   */
  audit?: Name[];
}
/**
 * A hook manifest, named by its bytes. With `signature` the hook is `trusted` and runs only if that signature holds; without it the hook is `sandboxed`.
 */
export interface HookPin {
  name: Name;
  version: Version;
  digest: Digest;
  source: Source;
  signature?: Digest;
}
/**
 * A file that the agent is made of, named by its bytes.
 */
export interface Pin {
  name: Name;
  version: Version;
  digest: Digest;
  source: Source;
}

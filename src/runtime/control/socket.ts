import { closeSync, constants, openSync } from "node:fs";
import { chmod, rename, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type ControlAnswer, type ControlRequest, MAX_CONTROL_LINE, toControlRequest } from "../../model/control.ts";

/** How long a client may take until its request is whole, and how long it may take to read the answer, in ms. */
const SILENCE_MS = 5000;
/** Connections at once. Who comes next takes the place of the one that has said nothing for longest. */
const MOST = 64;
const LF = 10;

/** A socket that a run listens on. */
export interface ControlSocket {
  close(): Promise<void>;
}

/** Where the socket of a run is, for a path of any length: a socket's address holds 107 bytes (unix(7)). */
export function openSocketFolder(folder: string): { readonly at: (name: string) => string; close(): void } {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return { at: (name) => `/proc/self/fd/${fd}/${name}`, close: () => closeSync(fd) };
}

export const SOCKET = "control.sock";

/**
 * Listens in a run's folder, which the caller has to itself: a socket that a dead process left there is replaced. It has mode 600
 * before it gets its name, whatever the umask. Rejects with the system's error where there can be no socket.
 */
export async function listenIn(
  folder: string,
  answer: (request: ControlRequest) => Promise<ControlAnswer>,
): Promise<ControlSocket> {
  const place = openSocketFolder(folder);
  const connections = new Set<Connection>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (connections.size >= MOST) {
      const silent = longestSilent(connections);
      if (silent === undefined) return void socket.destroy();
      silent.drop();
      connections.delete(silent);
    }
    const connection = new Connection(socket, answer);
    connections.add(connection);
    socket.once("close", () => connections.delete(connection));
  });
  try {
    const fresh = join(folder, `${SOCKET}.new`);
    await rm(fresh, { force: true });
    await listening(server, place.at(`${SOCKET}.new`));
    await chmod(fresh, 0o600);
    await rename(fresh, join(folder, SOCKET));
  } catch (error) {
    server.close();
    place.close();
    throw error;
  }
  return {
    async close() {
      await rm(join(folder, SOCKET), { force: true });
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...connections].map((connection) => connection.finish()));
      await closed;
      place.close();
    },
  };
}

/** One client: a line in, a line out. Nothing that it does, or leaves undone, is more than the end of its connection. */
class Connection {
  readonly #socket: Socket;
  readonly #answer: (request: ControlRequest) => Promise<ControlAnswer>;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #answering: Promise<void> | undefined;

  constructor(socket: Socket, answer: (request: ControlRequest) => Promise<ControlAnswer>) {
    this.#socket = socket;
    this.#answer = answer;
    // Who waits for an answer may be silent.
    const patience = setTimeout(() => {
      if (this.isSilent) socket.destroy();
    }, SILENCE_MS);
    socket.once("close", () => clearTimeout(patience));
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => {
      if (this.isSilent) socket.destroy();
    });
    socket.on("error", () => socket.destroy());
  }

  /** Has not said what it wants. */
  get isSilent(): boolean {
    return this.#answering === undefined;
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** Waits until a request that was taken has been answered. */
  async finish(): Promise<void> {
    if (this.isSilent) this.drop();
    await this.#answering;
  }

  #take(chunk: Buffer): void {
    if (!this.isSilent) return; // one request each
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (chunk.includes(LF) || this.#bytes >= MAX_CONTROL_LINE) this.#socket.pause();
    if (chunk.includes(LF)) {
      const text = Buffer.concat(this.#chunks);
      this.#answering = this.#reply(text.subarray(0, text.indexOf(LF)));
    } else if (this.#bytes >= MAX_CONTROL_LINE) this.#answering = this.#send(badRequest());
  }

  async #reply(line: Buffer): Promise<void> {
    const request = line.length < MAX_CONTROL_LINE ? toControlRequest(line.toString()) : undefined;
    await this.#send(request === undefined ? badRequest() : await this.#answer(request));
  }

  /** Ends the connection; a client that does not read its answer loses it. */
  #send(answer: ControlAnswer): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      if (socket.destroyed) return resolve();
      const patience = setTimeout(() => socket.destroy(), SILENCE_MS);
      socket.once("close", () => {
        clearTimeout(patience);
        resolve();
      });
      socket.end(`${JSON.stringify(answer)}\n`, () => socket.destroy());
    });
  }
}

function longestSilent(connections: ReadonlySet<Connection>): Connection | undefined {
  for (const connection of connections) if (connection.isSilent) return connection;
  return undefined;
}

function badRequest(): ControlAnswer {
  const message = `expected one line of JSON of less than ${MAX_CONTROL_LINE} bytes with a request of this version`;
  return { error: { code: "bad-request", message } };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      // A connection that could not be accepted is the client's to try again.
      server.on("error", () => undefined);
      resolve();
    });
  });
}

/**
 * What the component tools, which are components themselves, get in place of a system: an empty environment, no files,
 * streams that take everything and give nothing, and bytes that are always the same, so that the same component always
 * becomes the same code.
 */
class Inert {}
class InputStream extends Inert {}
class OutputStream extends Inert {
  checkWrite(): bigint {
    return 4096n;
  }
  write(): void {
    return;
  }
  blockingFlush(): void {
    return;
  }
  blockingWriteAndFlush(): void {
    return;
  }
}

const out = new OutputStream();
const none = () => undefined;
const empty = () => [];

export const environment = { getEnvironment: empty };
export const exit = {
  exit(): never {
    throw new Error("the component tools gave up");
  },
};
export const stdin = { getStdin: () => new InputStream() };
export const stdout = { getStdout: () => out };
export const stderr = { getStderr: () => out };
export const terminalInput = { TerminalInput: Inert };
export const terminalOutput = { TerminalOutput: Inert };
export const terminalStdin = { getTerminalStdin: none };
export const terminalStdout = { getTerminalStdout: none };
export const terminalStderr = { getTerminalStderr: none };
export const preopens = { getDirectories: empty };
export const types = { Descriptor: Inert, DirectoryEntryStream: Inert, filesystemErrorCode: none };
export const error = { Error: Inert };
export const streams = { InputStream, OutputStream };
export const random = { getRandomBytes: (length: bigint) => new Uint8Array(Number(length)) };

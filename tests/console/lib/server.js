// The real server, as a process of its own on a database of its own.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Api } from "./api.js";

const program = process.env.QWETTY_SERVER ?? new URL("../../../target/debug/qwetty-server", import.meta.url).pathname;

export class Server {
  /** Starts a server with these arguments beside its own, and waits until it listens. */
  static async start(...options) {
    const directory = await mkdtemp(join(tmpdir(), "qwetty-console-"));
    const server = new Server(directory, options);
    await server.#listen();
    return server;
  }

  constructor(directory, options) {
    this.directory = directory;
    this.options = options;
  }

  async #listen() {
    const ours = ["serve", "--database", join(this.directory, "qwetty.db")];
    if (!this.options.includes("--listen")) ours.push("--listen", "127.0.0.1:0");
    this.process = spawn(program, [...ours, ...this.options], { stdio: ["ignore", "pipe", "pipe"], env: {} });
    process.on("exit", () => this.process.kill("SIGKILL"));
    this.log = "";
    this.process.stderr.on("data", (text) => (this.log += text));
    for await (const line of createInterface({ input: this.process.stdout })) {
      if (line.startsWith("root key: ")) this.rootKey = line.slice("root key: ".length);
      if (line.startsWith("listening on ")) {
        this.url = line.slice("listening on ".length);
        return;
      }
    }
    throw new Error(`the server ended before it listened: ${this.log}`);
  }

  /** The API, as the holder of this key. */
  api(key = this.rootKey) {
    return new Api(this.url, key);
  }

  /** Everything that is in the server's directory, and its log: where no key value may be. */
  async everythingKept() {
    const files = ["qwetty.db", "qwetty.db-wal"].map((name) => join(this.directory, name));
    const contents = await Promise.all(files.map((file) => readFile(file, "latin1").catch(() => "")));
    return contents.join("") + this.log;
  }

  async stop() {
    if (this.process.exitCode === null) {
      const ended = new Promise((resolve) => this.process.once("exit", resolve));
      this.process.kill("SIGTERM");
      await ended;
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

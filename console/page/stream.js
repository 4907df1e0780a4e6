// stream: server-sent events read by fetch, because EventSource hides the heartbeat, and a page that does not know
// whether it still hears anything must not look alive.

// Takes text in pieces as they come, calls back for each whole event {id, event, data} and each comment.
export class StreamParser {
  #rest = "";
  #event = { id: null, event: null, data: [] };
  #ended = false; // the last piece ended with CR: an LF may follow

  constructor(onEvent, onComment = () => {}) {
    this.onEvent = onEvent;
    this.onComment = onComment;
  }

  push(text) {
    if (this.#ended && text.startsWith("\n")) {
      text = text.slice(1);
    }
    this.#ended = text === "" ? this.#ended : text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop();
    lines.forEach((line) => this.#take(line));
  }

  #take(line) {
    if (line === "") {
      const { id, event, data } = this.#event;
      this.#event = { id: null, event: null, data: [] };
      if (data.length > 0) {
        this.onEvent({ id, event: event ?? "message", data: data.join("\n") });
      }
      return;
    }
    if (line.startsWith(":")) {
      this.onComment(line.slice(1).trim());
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") {
      this.#event.data.push(value);
    } else if (field === "id" || field === "event") {
      this.#event[field] = value;
    }
  }
}

export const SILENT_MS = 25000; // two heartbeats and a half
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10000;

// Keeps a stream open for ever, from `after` on.  Calls onEvent(object, seq) in order, each seq once, onUp() at each
// connection and heartbeat, onDown(reason) when it is lost.  stop() ends it.  A test brings its own fetch and timers.
export class Stream {
  #stopped = false;
  #abort = null;

  constructor(url, after, { onEvent, onUp, onDown }, { fetch: get, setTimeout: later, clearTimeout: cancel } = globalThis) {
    this.url = url;
    this.seq = after;
    this.calls = { onEvent, onUp, onDown };
    this.get = get.bind(globalThis);
    this.later = later.bind(globalThis);
    this.cancel = cancel.bind(globalThis);
    void this.#run();
  }

  stop() {
    this.#stopped = true;
    this.#abort?.abort();
  }

  async #run() {
    let wait = RETRY_MIN_MS;
    while (!this.#stopped) {
      try {
        await this.#read(() => { wait = RETRY_MIN_MS; });
        this.calls.onDown("closed");
      } catch (error) {
        if (!this.#stopped) {
          this.calls.onDown(String(error.message ?? error));
        }
      }
      await new Promise((done) => this.later(done, wait));
      wait = Math.min(wait * 2, RETRY_MAX_MS);
    }
  }

  async #read(heard) {
    this.#abort = new AbortController();
    let watch = 0;
    const alive = () => {
      heard();
      this.calls.onUp();
      this.cancel(watch);
      watch = this.later(() => this.#abort.abort(new Error("silent")), SILENT_MS);
    };
    const parser = new StreamParser((event) => this.#take(event), () => {});
    try {
      const headers = { Accept: "text/event-stream", "Last-Event-ID": String(this.seq) };
      watch = this.later(() => this.#abort.abort(new Error("silent")), SILENT_MS);
      const answer = await this.get(this.url, { headers, cache: "no-store", signal: this.#abort.signal });
      if (!answer.ok) {
        throw new Error(`HTTP ${answer.status}`);
      }
      alive();
      const decoder = new TextDecoder();
      for (const reader = answer.body.getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) {
          return;
        }
        alive();
        parser.push(decoder.decode(value, { stream: true }));
      }
    } finally {
      this.cancel(watch);
    }
  }

  #take({ id, event, data }) {
    if (event === "lost") { // our place is not in the journal: it was cut, or is another one
      this.seq = JSON.parse(data).next - 1;
      return;
    }
    const seq = Number(id);
    if (Number.isSafeInteger(seq) && seq > this.seq) {
      this.seq = seq;
      this.calls.onEvent(JSON.parse(data), seq);
    }
  }
}

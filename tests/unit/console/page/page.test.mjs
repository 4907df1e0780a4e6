// What the page decides without a page: order of alarms, sound, stream, trend, times, words.
import assert from "node:assert/strict";
import { test } from "node:test";

const page = (name) => import(new URL(`../../../../console/page/${name}.js`, import.meta.url));
const { countHidden, countRecent, isAnnounced, rankOf, Sound, worstFirst } = await page("alarms");
const { number, Times } = await page("format");
const { SILENT_MS, Stream, StreamParser } = await page("stream");
const { bucketWidth, marks, paths, stretches, valueRange } = await page("trend");
const { choose, tables } = await page("words");

const alarm = (name, level, more = {}) =>
  ({ alarm: name, occurrence: 1, level, state: "active", acked: false, seq: 1, ...more });

test("the worst stands first, then what is not acknowledged, then the newest", () => {
  const list = [alarm("a", "yellow", { seq: 9 }), alarm("b", "red", { acked: true, seq: 8 }), alarm("c", "red", { seq: 2 }),
    alarm("d", "red", { seq: 3 }), alarm("e", undefined, { state: "returned", seq: 10 }), alarm("f", "blue", { seq: 7 })];
  assert.deepEqual(worstFirst(list).map((one) => one.alarm), ["d", "c", "b", "a", "f", "e"]);
  assert.equal(list[0].alarm, "a", "the list itself stays as it was");
  assert.equal(rankOf("nothing"), 0);
});

test("what is shelved, suppressed or out of service is not announced, but counted", () => {
  const list = ["active", "returned", "shelved", "suppressed", "out_of_service"].map((state) => alarm(state, "red", { state }));
  assert.deepEqual(list.map(isAnnounced), [true, true, false, false, false]);
  assert.equal(countHidden(list), 3);
});

test("it sounds from a raise until the acknowledgement", () => {
  const sound = new Sound();
  assert.equal(sound.update([]), null);
  assert.equal(sound.update([alarm("a", "yellow")]), "yellow");
  assert.equal(sound.update([alarm("a", "yellow"), alarm("b", "red")]), "red");
  assert.equal(sound.update([alarm("a", "yellow"), alarm("b", "red", { acked: true })]), "yellow");
  assert.equal(sound.update([alarm("a", "yellow", { acked: true })]), null);
});

test("a return goes on sounding at its level, and does not sound anew", () => {
  const sound = new Sound();
  assert.equal(sound.update([alarm("a", "orange")]), "orange");
  assert.equal(sound.update([alarm("a", undefined, { state: "returned" })]), "orange");
  sound.silence();
  assert.equal(sound.update([alarm("a", undefined, { state: "returned" })]), null);
  assert.equal(new Sound().update([alarm("a", undefined, { state: "returned" })]), null);
});

test("silence ends with what worsens or is raised next, not with what eases", () => {
  const sound = new Sound();
  sound.update([alarm("a", "orange")]);
  sound.silence();
  assert.equal(sound.update([alarm("a", "orange")]), null);
  assert.equal(sound.update([alarm("a", "yellow")]), null);
  assert.equal(sound.update([alarm("a", "orange"), alarm("b", "blue")]), "blue");
  assert.equal(sound.update([alarm("a", "red")]), "red");
  sound.silence();
  assert.equal(sound.update([alarm("a", "yellow", { occurrence: 2 })]), "yellow");
});

test("what is shelved does not sound", () => {
  assert.equal(new Sound().update([alarm("a", "red", { state: "shelved" })]), null);
});

test("a flood is counted over the last ten minutes", () => {
  assert.equal(countRecent([0, 1, 600000, 600001, 700000], 600001), 2);
});

function parse(pieces) {
  const all = [];
  const parser = new StreamParser((event) => all.push(event), (comment) => all.push(comment));
  pieces.forEach((piece) => parser.push(piece));
  return all;
}

test("a stream is the same however it is cut", () => {
  const text = ": hello\nid: 7\nevent: raised\ndata: {\"a\":1}\n\nid:8\r\ndata: x\r\ndata: y\r\n\r\n: beat\r\rdata: 甲\n\n";
  const whole = parse([text]);
  assert.deepEqual(whole, ["hello", { id: "7", event: "raised", data: "{\"a\":1}" }, { id: "8", event: "message", data: "x\ny" }, "beat",
    { id: null, event: "message", data: "甲" }]);
  for (let i = 0; i <= text.length; i++) {
    for (let k = i; k <= text.length; k++) {
      assert.deepEqual(parse([text.slice(0, i), text.slice(i, k), text.slice(k)]), whole, `cut at ${i} and ${k}`);
    }
  }
  assert.deepEqual(parse(["id: 9\ndata: never ended"]), []);
});

const bytes = (text) => new TextEncoder().encode(text);

// Answers of a monitor, one after the other, each a list of pieces; then it hangs.
function monitor(answers, asked) {
  return async (url, { headers, signal }) => {
    asked.push(headers["Last-Event-ID"]);
    const pieces = answers.shift();
    if (pieces === undefined) {
      await new Promise((_, fail) => signal.addEventListener("abort", () => fail(signal.reason)));
    }
    if (typeof pieces === "number") {
      return { ok: false, status: pieces };
    }
    return { ok: true, body: new ReadableStream({ start(to) { pieces.forEach((piece) => to.enqueue(bytes(piece))); to.close(); } }) };
  };
}

// Timers that a test moves by hand.
function clock() {
  const waiting = new Map();
  let next = 1;
  return {
    setTimeout: (call, ms) => { waiting.set(next, { call, ms }); return next++; },
    clearTimeout: (timer) => waiting.delete(timer),
    pass(ms) {
      for (const [timer, { call, ms: left }] of [...waiting]) {
        if (left <= ms) {
          waiting.delete(timer);
          call();
        } else {
          waiting.set(timer, { call, ms: left - ms });
        }
      }
    },
  };
}

const settle = async () => {
  for (let i = 0; i < 20; i++) {
    await new Promise((done) => setImmediate(done));
  }
};

test("a stream goes on behind the last event, and takes none twice", async () => {
  const asked = [];
  const events = [];
  const downs = [];
  const answers = [["id: 5\ndata: {}\n\nid: 6\ndata: {}\n\nid: 6\ndata: {}\n\n"], 503, ["id: 6\ndata: {}\n\nid: 7\ndata: {}\n\n"]];
  const timers = clock();
  const stream = new Stream("s", 4, { onEvent: (_, seq) => events.push(seq), onUp() {}, onDown: (why) => downs.push(why) },
    { ...timers, fetch: monitor(answers, asked) });
  for (let i = 0; i < 4; i++) {
    await settle();
    timers.pass(1000);
  }
  await settle();
  stream.stop();
  assert.deepEqual(events, [5, 6, 7]);
  assert.deepEqual(asked, ["4", "6", "6", "7"]);
  assert.deepEqual(downs, ["closed", "HTTP 503", "closed"]);
});

test("a stream whose place is not in the journal goes on where the journal does", async () => {
  const asked = [];
  const events = [];
  const timers = clock();
  const stream = new Stream("s", 40, { onEvent: (_, seq) => events.push(seq), onUp() {}, onDown() {} }, { ...timers, fetch: monitor(
    ["event: lost\ndata: {\"after\":40,\"next\":3}\n\nid: 3\ndata: {}\n\n"].map((one) => [one]), asked) });
  await settle();
  timers.pass(1000);
  await settle();
  stream.stop();
  assert.deepEqual(events, [3]);
  assert.deepEqual(asked, ["40", "3"]);
});

test("a stream that is silent for too long is taken for lost", async () => {
  const downs = [];
  const timers = clock();
  const stream = new Stream("s", 0, { onEvent() {}, onUp() {}, onDown: (why) => downs.push(why) },
    { ...timers, fetch: monitor([], []) });
  await settle();
  timers.pass(SILENT_MS - 1);
  await settle();
  assert.deepEqual(downs, []);
  timers.pass(1);
  await settle();
  stream.stop();
  assert.deepEqual(downs, ["silent"]);
});

test("a gap stays a gap", () => {
  const bucket = (time, mean = 1) => ({ time, mean, min: mean, max: mean });
  const all = stretches([bucket(0), bucket(10), bucket(30), bucket(40), bucket(50, null), bucket(60)], 10);
  assert.deepEqual(all.map((one) => one.map(({ time }) => time)), [[0, 10], [30, 40], [60]]);
  assert.deepEqual(stretches([], 10), []);
});

test("values stand within the picture, flat ones too", () => {
  const [low, high] = valueRange([{ min: 1, max: 2 }, { min: 0, max: 1 }, { min: NaN, max: NaN }]);
  assert.ok(low < 0 && low > -0.2 && high > 2 && high < 2.2);
  const [flat, above] = valueRange([{ min: 0, max: 0 }]);
  assert.ok(flat < 0 && above > 0);
  assert.deepEqual(valueRange([]), [0, 1]);
});

test("marks are round and within", () => {
  assert.deepEqual(marks(0.9, 3.1, 5), [1, 1.5, 2, 2.5, 3]);
  assert.deepEqual(marks(-0.05, 0.05, 5), [-0.04, -0.02, 0, 0.02, 0.04]);
  for (const [low, high] of [[0, 1], [-1e6, 3e6], [0.001, 0.0017], [99.5, 100.5]]) {
    const all = marks(low, high, 5);
    assert.ok(all.length >= 2 && all.length <= 6 && all[0] >= low && all.at(-1) <= high, `${low} ${high}: ${all}`);
  }
});

test("a line runs through the middles of its buckets, one alone has its width", () => {
  const same = (value) => value;
  const two = paths([{ time: 0, mean: 1, min: 0, max: 2 }, { time: 10, mean: 2, min: 1, max: 3 }], 10, same, same);
  assert.equal(two.mean, "M5.0,1.0L15.0,2.0");
  assert.equal(two.band, "M5.0,2.0L15.0,3.0L15.0,1.0L5.0,0.0Z");
  assert.equal(paths([{ time: 0, mean: 1, min: 0, max: 2 }], 10, same, same).mean, "M0.0,1.0L10.0,1.0");
});

test("a span has a few hundred buckets", () => {
  for (const span of [60000, 3600000, 28800000, 86400000, 604800000, 30 * 86400000]) {
    const count = span / bucketWidth(span);
    assert.ok(count <= 400 && count >= 20, `${span}: ${count}`);
  }
});

test("times stand in the site's zone", () => {
  const times = new Times("Asia/Shanghai");
  const ms = Date.parse("2026-01-05T16:00:30.999Z");
  assert.equal(times.full(ms), "2026-01-06 00:00:30");
  assert.equal(times.short(ms, ms + 3600000), "00:00:30");
  assert.equal(times.short(ms, ms + 86400000), "2026-01-06 00:00:30");
  assert.equal(new Times("Nowhere/Such").zone, "UTC");
});

test("numbers are shown as they are, long ones cut", () => {
  assert.equal(number(null), "–");
  assert.equal(number(0), "0");
  assert.equal(number(1.06), "1.06");
  assert.equal(number(0.1234567890123), "0.123456789");
});

test("both languages say the same things", () => {
  const shape = (table) => Object.entries(table).map(([key, value]) =>
    typeof value === "object" ? [key, shape(value)] : [key, typeof value]).sort();
  assert.deepEqual(shape(tables.en), shape(tables.zh));
  assert.equal(choose(["zh-TW", "en"]), tables.zh);
  assert.equal(choose(["fr", "en-GB"]), tables.en);
  assert.equal(choose(["fr"]), tables.en);
});

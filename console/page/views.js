// views: pieces of the page made of data.  Text goes in as text, never as markup: names come from the field.

import { isAnnounced } from "./alarms.js";
import * as format from "./format.js";
import { marks, paths, stretches, valueRange } from "./trend.js";

const SHAPES = { red: "◆", orange: "▲", yellow: "●", blue: "■" };

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) {
      made.addEventListener(key.slice(2), value);
    } else if (value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function levelClass(level) {
  return level in SHAPES ? level : "no-level";
}

function actsOf(alarm) {
  const acts = alarm.acked ? [] : ["ack"];
  acts.push(alarm.state === "shelved" ? "unshelve" : "shelve", "comment");
  if (alarm.state === "returned" || alarm.acked) {
    acts.push("close");
  }
  return acts;
}

// One alarm of the list; onAct(alarm, verb) is called by its buttons.
export function alarmItem(alarm, { words, times, now, onAct }) {
  const classes = [levelClass(alarm.level), alarm.acked ? "acked" : "unacked",
    alarm.state === "returned" ? "returned" : "", isAnnounced(alarm) ? "" : "quiet"];
  const about = [
    alarm.level === undefined ? null : words.levels[alarm.level],
    words.states[alarm.state] ?? alarm.state,
    alarm.acked ? words.acked : words.unacked,
    alarm.blind ? words.blind : null,
    alarm.alarm,
    words.occurrence(alarm.occurrence),
    words.since(times.short(Date.parse(alarm.time), now)),
  ].filter((part) => part !== null).join(" · ");
  return element("li", { class: classes.filter(Boolean).join(" "), "data-alarm": alarm.alarm },
    element("span", { class: "shape", "aria-hidden": "true" }, SHAPES[alarm.level] ?? "○"),
    element("span", { class: "message" }, alarm.message ?? alarm.alarm),
    element("span", { class: "about" }, about),
    element("span", { class: "acts" }, ...actsOf(alarm).map((verb) =>
      element("button", { type: "button", class: verb === "ack" ? "main" : "", onclick: () => onAct(alarm, verb) },
        words.act[verb]))));
}

const TROUBLES = new Set(["comm", "sensor", "range", "stale", "calibrating", "paused", "late", "skew"]);

export function inTrouble(point) {
  return (point.status ?? "").split("+").some((flag) => TROUBLES.has(flag));
}

export function pointRow(point, { words, times, now, chosen, onChoose }) {
  const heard = point.time !== null && point.time !== undefined;
  const kind = !heard ? "unheard" : inTrouble(point) ? "trouble" : "";
  const named = point.name !== undefined && point.name !== null && point.name !== point.id;
  return element("tr", { class: [kind, chosen ? "chosen" : ""].filter(Boolean).join(" "), tabindex: "0", "data-point": point.id,
    onclick: () => onChoose(point), onkeydown: (key) => { if (key.key === "Enter") { onChoose(point); } } },
    element("td", {}, named ? point.name : point.id, named ? element("small", {}, ` ${point.id}`) : null),
    element("td", { class: "number" }, format.number(point.value), element("small", {}, ` ${point.unit ?? ""}`)),
    element("td", {}, heard ? point.status : words.unheard),
    element("td", {}, heard ? times.short(Date.parse(point.time), now) : ""));
}

export function eventItem(event, { words, times, now }) {
  const word = words.event[event.event] ?? event.event;
  const level = event.level === undefined ? "" : ` ${words.levels[event.level] ?? event.level}`;
  const who = event.by === undefined ? "" : `${event.by}: `;
  const text = event.comment === undefined ? event.message ?? event.alarm : event.comment;
  return element("li", { class: levelClass(event.level), "data-seq": String(event.seq) },
    element("span", {}, `#${event.seq}`), element("span", {}, times.short(Date.parse(event.time), now)),
    element("span", { class: "what" }, word + level), element("span", { class: "text" }, `${event.alarm} — ${who}${text}`));
}

const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.textContent = text ?? "";
  return made;
}

// Draws buckets {time (ms), mean, min, max} from `from` to `to`; where there are none nothing is drawn.
export function drawTrend(svg, buckets, { from, to, every, times }) {
  const width = svg.clientWidth || 600;
  const height = svg.clientHeight || 200;
  const [low, high] = valueRange(buckets);
  const left = 56;
  const bottom = 18;
  const x = (time) => left + (time - from) / (to - from) * (width - left);
  const y = (value) => (high - value) / (high - low) * (height - bottom);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  for (const mark of marks(low, high, 5)) {
    svg.append(drawn("line", { class: "grid", x1: left, x2: width, y1: y(mark), y2: y(mark) }),
      drawn("text", { x: left - 6, y: y(mark) + 4, "text-anchor": "end" }, format.number(mark)));
  }
  for (let i = 0; i <= 3; i++) {
    const time = from + (to - from) * i / 3;
    const anchor = i === 0 ? "start" : i === 3 ? "end" : "middle";
    svg.append(drawn("text", { x: x(time), y: height - 5, "text-anchor": anchor }, times.full(time).slice(5, 16)));
  }
  for (const stretch of stretches(buckets, every)) {
    const path = paths(stretch, every, x, y);
    svg.append(drawn("path", { class: "band", d: path.band }), drawn("path", { class: "mean", d: path.mean }));
  }
}

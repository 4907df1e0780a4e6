// main: the page.  It asks the monitor once, then follows its stream; whenever it does not hear the monitor it says so,
// since when, and leaves what it last knew in place.

import * as api from "./api.js";
import { countHidden, countRecent, FLOOD_BEGINS, isAnnounced, Sound, worstFirst } from "./alarms.js";
import { Times } from "./format.js";
import { Horn } from "./horn.js";
import { Stream } from "./stream.js";
import { bucketWidth } from "./trend.js";
import { alarmItem, drawTrend, eventItem, inTrouble, pointRow } from "./views.js";
import { choose } from "./words.js";

const POINTS_SHOWN = 200;
const EVENTS_SHOWN = 200;
const EVENTS_AT_START = 100;
const POINTS_EVERY_MS = 2000;

const words = choose(navigator.languages ?? [navigator.language]);
const at = (name) => document.getElementById(name);
const sound = new Sound();
const horn = new Horn();

let times = new Times("UTC");
let clockAhead = 0;       // the monitor's clock less ours, ms
let heard = 0;            // when the monitor was last heard, our clock
let isUp = false;
let site = {};
let alarms = [];
let points = [];
let chosen = null;        // the point whose trend is shown
let span = 3600000;
let raised = [];          // times of raises, for the flood line
let act = null;           // the dialog's alarm and verb

const now = () => Date.now() + clockAhead;

// ---- what never changes -------------------------------------------------------------------------------------------

function label() {
  document.documentElement.lang = words.levels.red === "red" ? "en" : "zh-CN";
  const texts = { "bad-text": words.onlyBad, "points-title": words.points, "log-title": words.events,
    "h-point": words.point, "h-value": words.value, "h-status": words.status, "h-time": words.time,
    "alarm-none": words.noAlarms, "act-by-text": words.by, "act-for-text": words.howLong, "act-cause-text": words.cause,
    "act-measure-text": words.measure, "act-cancel": words.cancel };
  for (const [name, text] of Object.entries(texts)) {
    at(name).textContent = text;
  }
  at("search").placeholder = words.search;
  at("search").setAttribute("aria-label", words.search);
  for (const [length, text] of Object.entries(words.spans)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => { span = Number(length); void showTrend(); });
    button.dataset.span = length;
    at("trend-spans").append(button);
  }
}

// ---- alarms -------------------------------------------------------------------------------------------------------

function showAlarms() {
  const all = at("all").checked;
  const list = worstFirst(alarms.filter((alarm) => all || isAnnounced(alarm)));
  at("alarms-title").textContent = words.alarms(alarms.filter(isAnnounced).length);
  at("all-text").textContent = words.showAll(countHidden(alarms));
  at("alarm-none").hidden = list.length > 0;
  at("alarm-list").replaceChildren(...list.map((alarm) => alarmItem(alarm, { words, times, now: now(), onAct: openAct })));
  const worst = list.find((alarm) => isAnnounced(alarm) && alarm.level !== undefined);
  document.title = worst === undefined ? site.name ?? "Davy" : `(${list.length}) ${words.levels[worst.level]} · ${site.name ?? "Davy"}`;
  showSound();
}

function showSound() {
  const level = sound.update(alarms);
  horn.play(level);
  at("sound").textContent = !horn.on ? words.soundOff : level === null ? words.soundOn : words.silence;
}

at("sound").addEventListener("click", async () => {
  if (horn.on) {
    sound.silence();
  } else {
    await horn.turnOn();
  }
  showSound();
});

function showFlood() {
  const count = countRecent(raised, now());
  at("flood").hidden = count <= FLOOD_BEGINS;
  at("flood").textContent = words.flood(count);
}

// One question at a time; a change while one is under way asks once more.
function onceMore(ask) {
  let busy = false;
  let again = false;
  return async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      try {
        await ask();
      } catch {
        // the stream tells that the line is lost, and asks anew when it is back
      }
    } while (again);
    busy = false;
  };
}

const readAlarms = onceMore(async () => {
  alarms = await api.alarms();
  showAlarms();
});

// ---- acts ---------------------------------------------------------------------------------------------------------

function openAct(alarm, verb) {
  act = { alarm, verb };
  at("act-title").textContent = words.act[verb];
  at("act-about").textContent = `${alarm.message ?? ""} (${alarm.alarm}, ${words.occurrence(alarm.occurrence)})`;
  at("act-send").textContent = words.act[verb];
  at("act-comment-text").textContent = verb === "shelve" ? words.reason : words.comment;
  at("act-comment").required = verb === "shelve" || verb === "comment";
  at("act-comment").value = "";
  for (const [name, verbs] of [["for", ["shelve"]], ["cause", ["close"]], ["measure", ["close"]]]) {
    at(`act-${name}-row`).hidden = !verbs.includes(verb);
    at(`act-${name}`).required = verbs.includes(verb);
  }
  at("act-cause").value = at("act-measure").value = "";
  at("act-by").value = localStorage.getItem("by") ?? "";
  at("act-refused").hidden = true;
  at("act").showModal();
}

at("act-cancel").addEventListener("click", () => at("act").close());

at("act-form").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const { alarm, verb } = act;
  const body = { by: at("act-by").value.trim() };
  const comment = at("act-comment").value.trim();
  if (comment !== "") {
    body.comment = comment;
  }
  if (verb === "shelve") {
    body.for = at("act-for").value;
  } else if (verb === "close") {
    body.cause = at("act-cause").value.trim();
    body.measure = at("act-measure").value.trim();
  }
  if (verb === "ack") { // what was seen when the button was pressed, should it worsen meanwhile
    body.occurrence = alarm.occurrence;
    if (alarm.level !== undefined) {
      body.level = alarm.level;
    }
  }
  at("act-send").disabled = true;
  try {
    await api.act(alarm.alarm, verb, body);
    localStorage.setItem("by", body.by);
    at("act").close();
    await readAlarms();
  } catch (error) {
    at("act-refused").textContent = words.notSent(error.message);
    at("act-refused").hidden = false;
  } finally {
    at("act-send").disabled = false;
  }
});

// ---- points -------------------------------------------------------------------------------------------------------

function showPoints() {
  const wanted = at("search").value.trim().toLowerCase();
  const found = points.filter((point) => (!at("bad").checked || inTrouble(point)) &&
    (wanted === "" || `${point.id} ${point.name ?? ""}`.toLowerCase().includes(wanted)));
  at("point-list").replaceChildren(...found.slice(0, POINTS_SHOWN).map((point) =>
    pointRow(point, { words, times, now: now(), chosen: point.id === chosen?.id, onChoose: choosePoint })));
  at("point-more").hidden = found.length <= POINTS_SHOWN;
  at("point-more").textContent = words.more(found.length - POINTS_SHOWN);
}

const readPoints = onceMore(async () => {
  points = await api.points();
  const active = document.activeElement?.dataset?.point;
  showPoints();
  if (active !== undefined) {
    at("point-list").querySelector(`[data-point="${CSS.escape(active)}"]`)?.focus();
  }
});

function choosePoint(point) {
  chosen = chosen?.id === point.id ? null : point;
  showPoints();
  void showTrend();
}

async function showTrend() {
  at("trend").hidden = chosen === null;
  if (chosen === null) {
    return;
  }
  const point = chosen;
  const every = bucketWidth(span);
  const to = now();
  const from = to - span;
  at("trend-title").textContent = `${point.name ?? point.id} ${point.unit ?? ""}`;
  for (const button of at("trend-spans").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.span) === span));
  }
  try {
    const answer = await api.samples(point.id, Math.floor(from), Math.ceil(to), every);
    const buckets = answer.map((bucket) => ({ ...bucket, time: Date.parse(bucket.time) }));
    if (chosen === point) {
      drawTrend(at("trend-svg"), buckets, { from, to, every, times });
      at("trend-says").textContent = buckets.length === 0 ? words.trendNone : "";
    }
  } catch (error) {
    at("trend-svg").replaceChildren();
    at("trend-says").textContent = words.trendBad + error.message;
  }
}

at("all").addEventListener("change", showAlarms);
at("bad").addEventListener("change", showPoints);
at("search").addEventListener("input", showPoints);

// ---- the stream ---------------------------------------------------------------------------------------------------

function takeEvent(event) {
  if (event.event === "raised") {
    raised = [...raised, Date.parse(event.time)].slice(-1000);
    showFlood();
  }
  const list = at("event-list");
  list.prepend(eventItem(event, { words, times, now: now() }));
  while (list.children.length > EVENTS_SHOWN) {
    list.lastElementChild.remove();
  }
  void readAlarms();
}

function showLine() {
  at("line").textContent = isUp ? words.live : words.connecting;
  at("line").classList.toggle("off", !isUp);
  at("lost").hidden = isUp || heard === 0;
  at("lost").textContent = words.lost(times.full(heard + clockAhead));
}

async function takeSite() {
  site = await api.site();
  times = new Times(site.timezone ?? "UTC");
  clockAhead = Date.parse(site.time) - Date.now();
  showSite();
}

const readSite = onceMore(takeSite);

function onUp() {
  heard = Date.now();
  if (!isUp) {
    isUp = true;
    void readSite(); // it may be another one since
    void readAlarms();
    void readPoints();
  }
  showLine();
}

function onDown() {
  isUp = false;
  showLine();
}

function showSite() {
  at("site-name").textContent = site.name ?? site.id;
  at("drill").hidden = site.status === undefined || site.status === "actual";
  at("drill").textContent = site.status === "test" ? words.test : words.drill;
}

async function begin() {
  while (site.seq === undefined) {
    try {
      await takeSite();
    } catch (error) {
      at("line").textContent = words.refusedPage(error.message);
      at("line").classList.add("off");
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
  const after = Math.max(0, site.seq - EVENTS_AT_START);
  new Stream(api.streamPath, after, { onEvent: takeEvent, onUp, onDown });
  setInterval(() => { at("clock").textContent = `${times.full(now())} ${times.zone}`; }, 250);
  setInterval(() => { if (isUp && !document.hidden) { void readPoints(); } }, POINTS_EVERY_MS);
  setInterval(showFlood, 10000);
  setInterval(() => { if (isUp) { void showTrend(); } }, 15000);
}

label();
showLine();
showSound();
void begin();

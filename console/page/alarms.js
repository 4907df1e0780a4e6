// alarms: what follows from a list of alarms, decided without a page: their order, what sounds, whether it is a flood.
// An alarm is what the API gives: {alarm, occurrence, level?, state, acked, seq, time, …}.

const RANKS = { blue: 1, yellow: 2, orange: 3, red: 4 };

export function rankOf(level) {
  return RANKS[level] ?? 0;
}

// Announced: neither shelved, nor suppressed, nor out of service.
export function isAnnounced(alarm) {
  return alarm.state === "active" || alarm.state === "returned";
}

// The worst first; of one level those not acknowledged, then the newest: the order of `davy alarms`.
export function worstFirst(alarms) {
  return [...alarms].sort((a, b) =>
    rankOf(b.level) - rankOf(a.level) || Number(a.acked) - Number(b.acked) || b.seq - a.seq);
}

// How many are shown or not by default.
export function countHidden(alarms) {
  return alarms.filter((alarm) => !isAnnounced(alarm)).length;
}

// The sound: on from a raise until the alarm is acknowledged or silenced.  Silence acknowledges nothing, and ends with
// whatever is raised or worsens next.  A return does not sound again.
export class Sound {
  #silenced = new Map(); // alarm -> {occurrence, rank}
  #sounding = new Map(); // the same, of those that sound

  // Gives the level that shall sound, or null.
  update(alarms) {
    const sounding = new Map();
    let worst = 0;
    let level = null;
    for (const alarm of alarms) {
      if (alarm.acked || !isAnnounced(alarm)) {
        continue;
      }
      const before = this.#sounding.get(alarm.alarm);
      const silent = this.#silenced.get(alarm.alarm);
      const known = [before, silent].find((seen) => seen?.occurrence === alarm.occurrence);
      if (alarm.state === "returned" && known === undefined) {
        continue; // came and went before this page was opened
      }
      const rank = Math.max(rankOf(alarm.level), known?.rank ?? 0);
      if (silent?.occurrence === alarm.occurrence && silent.rank >= rank) {
        continue;
      }
      sounding.set(alarm.alarm, { occurrence: alarm.occurrence, rank });
      if (rank > worst) {
        worst = rank;
        level = Object.keys(RANKS).find((name) => RANKS[name] === rank) ?? null;
      }
    }
    this.#sounding = sounding;
    const there = new Set(alarms.map((alarm) => alarm.alarm));
    for (const name of this.#silenced.keys()) {
      if (!there.has(name)) {
        this.#silenced.delete(name);
      }
    }
    return level;
  }

  silence() {
    for (const [name, seen] of this.#sounding) {
      this.#silenced.set(name, seen);
    }
    this.#sounding = new Map();
  }
}

export const FLOOD_MS = 10 * 60 * 1000;
export const FLOOD_BEGINS = 10; // more than so many raised in ten minutes (ISA-18.2)

// How many were raised within the last ten minutes; `raised` are their times in ms.
export function countRecent(raised, now) {
  return raised.filter((time) => time > now - FLOOD_MS && time <= now).length;
}

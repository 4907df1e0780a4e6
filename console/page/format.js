// format: how numbers and times are shown.  Times stand in the site's own time zone, whoever looks at them.

export function number(value) {
  if (value === null || value === undefined) {
    return "–";
  }
  const text = String(value);
  return text.length <= 12 ? text : String(Number(value.toPrecision(9)));
}

export class Times {
  constructor(zone) {
    const options = { hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
      second: "2-digit" };
    try {
      this.parts = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: zone });
      this.zone = zone;
    } catch {
      this.parts = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" });
      this.zone = "UTC";
    }
  }

  #of(ms) {
    return Object.fromEntries(this.parts.formatToParts(new Date(ms)).map(({ type, value }) => [type, value]));
  }

  full(ms) {
    const p = this.#of(ms);
    return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`;
  }

  // The clock for today, the whole date otherwise.
  short(ms, now) {
    const text = this.full(ms);
    return text.slice(0, 10) === this.full(now).slice(0, 10) ? text.slice(11) : text;
  }
}

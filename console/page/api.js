// api: the questions this page asks the monitor.  A refusal is an Error with the monitor's own words.

async function ask(path, options = {}) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(15000), ...options });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) {
    throw new Error(body?.error ?? `HTTP ${answer.status}`);
  }
  return body;
}

const base = "api/v1";
const id = encodeURIComponent;

export const site = () => ask(`${base}/site`);
export const points = () => ask(`${base}/points`);
export const alarms = () => ask(`${base}/alarms?all=1`);
export const samples = (point, from, to, every) =>
  ask(`${base}/points/${id(point)}/samples?from=${from}&to=${to}&every=${every / 1000}s&agg=mean,min,max`);
export const act = (alarm, verb, body) =>
  ask(`${base}/alarms/${id(alarm)}/${verb}`,
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
export const streamPath = `${base}/stream`;

// trend: where the lines of a trend lie.  Buckets are what the API gives: {time, mean, min, max}; a bucket without
// samples is missing from the list, and a gap stays a gap: nothing is drawn where nothing is known.

// Stretches of neighbouring buckets, each at least one long; `every` is their width in ms.
export function stretches(buckets, every) {
  const all = [];
  let last = null;
  for (const bucket of buckets) {
    if (bucket.mean === null || bucket.mean === undefined) {
      last = null;
      continue;
    }
    if (last === null || bucket.time - last.time > every * 1.5) {
      all.push([]);
    }
    all[all.length - 1].push(bucket);
    last = bucket;
  }
  return all;
}

// The values that the picture shows, with some air; a flat line gets room too.
export function valueRange(buckets) {
  let low = Infinity;
  let high = -Infinity;
  for (const { min, max } of buckets) {
    if (Number.isFinite(min) && Number.isFinite(max)) {
      low = Math.min(low, min);
      high = Math.max(high, max);
    }
  }
  if (low > high) {
    return [0, 1];
  }
  const air = high > low ? (high - low) * 0.06 : Math.max(Math.abs(high) * 0.05, 0.5);
  return [low - air, high + air];
}

// Round marks within a range, at most `most` of them.
export function marks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const all = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) {
    all.push(Number((i * step).toPrecision(12)));
  }
  return all;
}

// The path of the mean and the outline of min to max of one stretch.  x and y turn time and value into places.
export function paths(stretch, every, x, y) {
  const middle = (bucket) => x(bucket.time + every / 2);
  const point = (bucket, key) => `${middle(bucket).toFixed(1)},${y(bucket[key]).toFixed(1)}`;
  if (stretch.length === 1) { // one alone is as wide as its bucket
    const [bucket] = stretch;
    const from = x(bucket.time).toFixed(1);
    const to = x(bucket.time + every).toFixed(1);
    const at = y(bucket.mean).toFixed(1);
    const [low, high] = [y(bucket.min).toFixed(1), y(bucket.max).toFixed(1)];
    return { mean: `M${from},${at}L${to},${at}`, band: `M${from},${high}L${to},${high}L${to},${low}L${from},${low}Z` };
  }
  const mean = "M" + stretch.map((bucket) => point(bucket, "mean")).join("L");
  const top = stretch.map((bucket) => point(bucket, "max"));
  const bottom = stretch.map((bucket) => point(bucket, "min")).reverse();
  return { mean, band: "M" + [...top, ...bottom].join("L") + "Z" };
}

// How wide buckets are so that a span of `span` ms has a few hundred of them.
export function bucketWidth(span) {
  const widths = [1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21600, 86400].map((seconds) => seconds * 1000);
  return widths.find((width) => span / width <= 400) ?? 86400000;
}

// Numbers and times in words.

export function percent(fraction) {
  return `${Math.round(100 * fraction)} %`;
}

/** A metric such as accuracy or F1 with three decimals; a dash where it was never measured. */
export function metric(value) {
  return value == null ? "–" : value.toFixed(3);
}

export function count(number, one, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`;
}

const moments = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** Day and time; of another year, the date. */
export function moment(iso) {
  const date = new Date(iso);
  return (date.getFullYear() === new Date().getFullYear() ? moments : days).format(date);
}

/** "about 40 seconds left", rounded so that it does not flicker. */
export function timeLeft(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "";
  if (seconds < 10) return "a few seconds left";
  if (seconds < 90) return `about ${5 * Math.round(seconds / 5)} seconds left`;
  return `about ${Math.round(seconds / 60)} minutes left`;
}

/** "2 scratch, 1 crack", the most frequent first. */
export function tally(names) {
  const counts = new Map();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([name, number]) => `${number} ${name}`).join(", ");
}

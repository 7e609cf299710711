const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "3 hours ago", of seconds since 1970. */
export function since(atS: number): string {
  const ago = Date.now() / 1000 - atS;
  if (ago > 14 * 86_400) return new Date(atS * 1000).toLocaleDateString("en", { dateStyle: "medium" });
  const [unit, size] = UNITS.find(([, each]) => ago >= each) ?? ["minute", Infinity];
  return size === Infinity ? "just now" : words.format(-Math.floor(ago / size), unit);
}

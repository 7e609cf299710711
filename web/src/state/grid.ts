/** Seconds as bars and beats. */

export interface Grid {
  durationS: number;
  /** Without a tempo time is told in seconds. */
  beatS: number | null;
  beatsPerBar: number;
}

export interface Span {
  startS: number;
  endS: number;
}

export function gridOf(piece: { duration_s: number; tempo_bpm: number | null; beats_per_bar: number }): Grid {
  return {
    durationS: piece.duration_s,
    beatS: piece.tempo_bpm ? 60 / piece.tempo_bpm : null,
    beatsPerBar: piece.beats_per_bar,
  };
}

/** "0:07.4" */
export function clock(seconds: number): string {
  const tenths = Math.max(0, Math.floor(seconds * 10 + 1e-6));
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
}

/** "2.3": bar and beat, both counted from one; without a tempo the clock. */
export function position(grid: Grid, seconds: number): string {
  if (grid.beatS === null) return clock(seconds);
  const beats = Math.floor(seconds / grid.beatS + 1e-6);
  return `${Math.floor(beats / grid.beatsPerBar) + 1}.${(beats % grid.beatsPerBar) + 1}`;
}

/** For ears: "bar 2, beat 3". */
export function spoken(grid: Grid, seconds: number): string {
  if (grid.beatS === null) return `${seconds.toFixed(1)} seconds`;
  const [bar, beat] = position(grid, seconds).split(".");
  return `bar ${bar}, beat ${beat}`;
}

/** "bars 3 to 4", or where it begins and ends. */
export function spanName(grid: Grid, span: Span): string {
  if (grid.beatS === null) return `${clock(span.startS)} to ${clock(span.endS)}`;
  const bar = grid.beatS * grid.beatsPerBar;
  const [first, last] = [span.startS / bar, span.endS / bar];
  const isWhole = (bars: number) => Math.abs(bars - Math.round(bars)) < 1e-3;
  if (!isWhole(first) || !(isWhole(last) || span.endS >= grid.durationS - 1e-3)) {
    return `${position(grid, span.startS)} to ${position(grid, span.endS)}`;
  }
  const [from, to] = [Math.round(first) + 1, Math.ceil(last - 1e-3)];
  return from === to ? `bar ${from}` : `bars ${from} to ${to}`;
}

/** The nearest beat, or tenth of a second; the piece's end is one, too. */
export function snapped(grid: Grid, seconds: number): number {
  const step = stepS(grid);
  const near = Math.round(seconds / step) * step;
  const end = grid.durationS;
  return Math.max(0, near > end || Math.abs(end - seconds) < Math.abs(near - seconds) ? end : near);
}

export const stepS = (grid: Grid): number => grid.beatS ?? 0.1;

export interface Mark {
  atS: number;
  label: string;
  /** Bars, or whole seconds. */
  isMajor: boolean;
}

const SECONDS = [1, 2, 5, 10, 15, 30, 60];
const BARS = [1, 2, 4, 8, 16, 32];
const APART_PX = 44;

/** What a ruler shows at so many pixels a second. */
export function marks(grid: Grid, pxPerS: number): Mark[] {
  const unit = grid.beatS === null ? 1 : grid.beatS * grid.beatsPerBar;
  const steps = grid.beatS === null ? SECONDS : BARS;
  const every = steps.find((step) => step * unit * pxPerS >= APART_PX) ?? steps[steps.length - 1]!;
  const found: Mark[] = [];
  for (let count = 0; count * unit < grid.durationS - 1e-6; count += every) {
    found.push({ atS: count * unit, label: grid.beatS === null ? clock(count).slice(0, -2) : `${count + 1}`, isMajor: true });
  }
  if (grid.beatS !== null && every === 1 && grid.beatS * pxPerS >= 9) {
    for (let beat = 0; beat * grid.beatS < grid.durationS - 1e-6; beat += 1) {
      if (beat % grid.beatsPerBar) found.push({ atS: beat * grid.beatS, label: "", isMajor: false });
    }
  }
  return found;
}

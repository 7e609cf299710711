/** Keys for all of the studio. */

import { player, togglePlay } from "../audio/desk";
import { generate, ofTrack } from "../state/generations";
import { stepS } from "../state/grid";
import { asked, partOf, rest, setPart } from "../state/making";
import { grid, laneOf, model, redo, setLane, tracks, chosen, undo } from "../state/piece";
import { loops, setLoops, setSpan, setZoom, span, toggleSolo, zoom } from "../state/view";

const TYPING = "input:not([type=range]), textarea, select";

/** True where the key was the studio's. */
export function onKey(event: KeyboardEvent, showHelp: () => void): boolean {
  const target = event.target as HTMLElement;
  if (document.querySelector("dialog[open]") || target.matches(TYPING) || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return onCommand(event);
  const track = target.closest<HTMLElement>("[data-track]")?.dataset.track ?? null;
  if (event.key === " ") {
    // whoever came to a button by keys wants to press it
    if (target.matches("button:focus-visible, a:focus-visible, input:focus-visible")) return false;
    togglePlay();
    return true;
  }
  if (event.key.startsWith("Arrow")) return target.matches("input, [role=radio]") ? false : onArrow(event);
  return onLetter(event, track, showHelp);
}

function onCommand(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  if (key === "z") event.shiftKey ? redo() : undo();
  else if (key === "y") redo();
  else return false;
  return true;
}

function onArrow(event: KeyboardEvent): boolean {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const current = player.value;
  if (!by || !current) return false;
  const step = stepS(grid.value);
  const from = Math.round(current.nowS() / step) * step;
  const to = Math.min(Math.max(0, from + by * step), grid.value.durationS);
  if (event.shiftKey) mark(from, to);
  current.seek(to);
  return true;
}

/** Shift and arrows stretch the span from where they began. */
function mark(fromS: number, toS: number): void {
  const old = span.value;
  const near = (one: number, other: number) => Math.abs(one - other) < 1e-3;
  const anchor = old && near(fromS, old.endS) ? old.startS : old && near(fromS, old.startS) ? old.endS : fromS;
  setSpan({ startS: Math.min(anchor, toS), endS: Math.max(anchor, toS) });
}

function onLetter(event: KeyboardEvent, track: string | null, showHelp: () => void): boolean {
  const number = Number(event.key);
  if (number >= 1 && number <= tracks.value.length) {
    document.querySelector<HTMLElement>(`#lane-${tracks.value[number - 1]} .make`)?.focus();
    return true;
  }
  const everywhere: Record<string, () => void> = {
    Home: () => player.value?.seek(0),
    End: () => player.value?.seek(grid.value.durationS),
    Escape: () => setSpan(null),
    l: () => setLoops(!loops.value),
    a: () => rest.value.some(ofTrack) || rest.value.length === 0 || void generate(asked(rest.value, null)),
    "+": () => setZoom(zoom.value * 1.5),
    "=": () => setZoom(zoom.value * 1.5),
    "-": () => setZoom(zoom.value / 1.5),
    "?": showHelp,
  };
  const inTrack: Record<string, (track: string) => void> = {
    m: (each) => setLane(each, { mute: !laneOf(each).mute }),
    s: toggleSolo,
    k: (each) => setPart(each, partOf(each) === "kept" ? "open" : "kept"),
    x: (each) => setPart(each, partOf(each) === "out" ? "open" : "out"),
    g: (each) => {
      const part = chosen.value[each] && model.value?.rewrites ? span.value : null;
      if (!ofTrack(each) && partOf(each) !== "out") void generate(asked([each], part));
    },
  };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (everywhere[key]) everywhere[key]();
  else if (track && inTrack[key]) inTrack[key](track);
  else return false;
  return true;
}

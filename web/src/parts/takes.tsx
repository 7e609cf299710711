/** The takes of a track, side by side: choosing one is hearing it, also while the piece plays. */

import type { Take } from "../api/client";
import { choose, chosen, takesOf } from "../state/piece";
import { nameOf } from "./track_look";

/** Generated takes are counted; uploads say what was done to them, and are counted where there are several. */
export function takeName(takes: readonly Take[], id: string): string {
  const take = takes.find((each) => each.id === id);
  if (!take) return "take";
  const isUpload = take.generation_id === null;
  const alike = takes.filter((each) => (each.generation_id === null) === isUpload);
  const number = alike.indexOf(take) + 1;
  if (!isUpload) return `take ${number}`;
  return alike.length > 1 ? `${number}: ${take.name}` : take.name;
}

export function Takes({ track }: { track: string }) {
  const takes = takesOf(track);
  if (takes.length === 0) return null;
  const current = chosen.value[track];
  const go = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const at = takes.findIndex((each) => each.id === current);
    const next = takes[(at + by + takes.length) % takes.length]!;
    choose({ [track]: next.id });
    document.getElementById(`take-${next.id}`)?.focus();
  };
  return (
    <div class="takes" role="radiogroup" aria-label={`Takes of ${track}`} onKeyDown={go}>
      {takes.map((take, number) => {
        const isChosen = take.id === current;
        const name = takeName(takes, take.id);
        return (
          <button
            type="button"
            key={take.id}
            id={`take-${take.id}`}
            class={take.generation_id === null ? "take upload" : "take"}
            role="radio"
            aria-checked={isChosen}
            aria-label={`${nameOf(track)}, ${name}`}
            tabIndex={isChosen || (!current && number === 0) ? 0 : -1}
            title={take.seed === null ? take.name : `${name}, seed ${take.seed}`}
            onClick={() => choose({ [track]: take.id })}
          >
            {take.generation_id === null ? shortened(name) : name.replace("take ", "")}
          </button>
        );
      })}
      {current && (
        <button type="button" class="take none" aria-label={`No take of ${track}`} title="No take: empty the track" onClick={() => choose({ [track]: null })}>
          none
        </button>
      )}
    </div>
  );
}

const shortened = (name: string) => (name.length > 22 ? `${name.slice(0, 20)}…` : name);

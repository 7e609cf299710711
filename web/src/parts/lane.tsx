/** One track: its controls, its waveform, its takes. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { isHeard, loading } from "../audio/desk";
import { spanName } from "../state/grid";
import { generate, ofTrack } from "../state/generations";
import { asked, partOf, setPart } from "../state/making";
import { chosen, grid, laneOf, model, setLane, takesOf, tracks } from "../state/piece";
import { arriving, bring } from "../state/uploads";
import { pxPerS, solo, span, toggleSolo } from "../state/view";
import { Icon } from "./icons";
import { Knob } from "./knob";
import { Progress } from "./progress";
import { onSpanDrag } from "./span_drag";
import { Takes, takeName } from "./takes";
import { colourOf, letterOf, listed, nameOf } from "./track_look";
import { Waveform } from "./waveform";

export function Lane({ track }: { track: string }) {
  const isOver = useSignal(false);
  const part = partOf(track);
  const colour = colourOf(tracks.value, track);
  const onDrop = (event: DragEvent) => {
    isOver.value = false;
    const file = event.dataTransfer?.files[0];
    if (!file || event.dataTransfer!.files.length > 1) return; // several are the page's
    event.preventDefault();
    event.stopPropagation();
    void bring(file, track);
  };
  const classes = ["lane", part === "out" && "out", !isHeard(track) && "unheard", isOver.value && "over"];
  return (
    <section
      class={classes.filter(Boolean).join(" ")}
      id={`lane-${track}`}
      data-track={track}
      aria-label={`${nameOf(track)} track`}
      style={{ "--lane": colour }}
      onDragOver={(event) => (event.preventDefault(), (isOver.value = true))}
      onDragLeave={() => (isOver.value = false)}
      onDrop={onDrop}
    >
      <Head track={track} />
      <Body track={track} colour={colour} />
    </section>
  );
}

function Head({ track }: { track: string }) {
  const lane = laneOf(track);
  const part = partOf(track);
  const isSolo = solo.value.has(track);
  const name = nameOf(track);
  return (
    <div class="head">
      <div class="head-row">
        <span class="badge" aria-hidden="true">
          {letterOf(track)}
        </span>
        <h2>{name}</h2>
        <span class="status">{statusOf(track)}</span>
      </div>
      <div class="head-row">
        <button type="button" class="letter" aria-pressed={lane.mute} aria-label={`Mute ${track}`} title="Mute (M)" onClick={() => setLane(track, { mute: !lane.mute })}>
          M
        </button>
        <button type="button" class="letter" aria-pressed={isSolo} aria-label={`Solo ${track}`} title="Hear it alone (S)" onClick={() => toggleSolo(track)}>
          S
        </button>
        <span class="gap" />
        <button
          type="button"
          class="plain toggle worded"
          aria-pressed={part === "kept"}
          aria-label={`Keep ${track}`}
          title="Keep: it stays, the others are made to fit it (K)"
          onClick={() => setPart(track, part === "kept" ? "open" : "kept")}
        >
          <Icon name={part === "kept" ? "keep" : "open"} /> Keep
        </button>
        <button
          type="button"
          class="plain toggle"
          aria-pressed={part === "out"}
          aria-label={`Leave ${track} out`}
          title="Leave out: neither made nor listened to (X)"
          onClick={() => setPart(track, part === "out" ? "open" : "out")}
        >
          <Icon name="out" />
        </button>
        <UploadButton track={track} />
      </div>
      <div class="head-row">
        <Knob label={`Gain of ${track}`} short="Gain" unit="dB" min={-24} max={12} step={0.5} value={lane.gain_db ?? 0} onInput={(gain_db) => setLane(track, { gain_db })} />
        <Knob label={`Pan of ${track}`} short="Pan" min={-1} max={1} step={0.05} value={lane.pan ?? 0} words={panWords} onInput={(pan) => setLane(track, { pan })} />
      </div>
      <MakeButton track={track} />
    </div>
  );
}

function panWords(pan: number): string {
  if (Math.abs(pan) < 0.01) return "centre";
  return `${Math.round(Math.abs(pan) * 100)} ${pan < 0 ? "left" : "right"}`;
}

function statusOf(track: string): string {
  const following = ofTrack(track);
  if (arriving.value.has(track)) return "listening to it";
  if (following) return following.state === "queued" ? "waiting" : "making";
  if (partOf(track) === "kept") return "kept";
  if (partOf(track) === "out") return "left out";
  return chosen.value[track] ? "" : "empty";
}

function MakeButton({ track }: { track: string }) {
  const has = Boolean(chosen.value[track]);
  const part = has && model.value?.rewrites ? span.value : null;
  const given = asked([track], null).given ?? [];
  const what = part ? `Remake ${spanName(grid.value, part)}` : has ? "Remake" : "Generate";
  const fit = given.length ? ` to fit ${listed(given)}` : "";
  return (
    <button
      type="button"
      class="make"
      disabled={partOf(track) === "out" || Boolean(ofTrack(track))}
      title={`${what} ${track}${fit} (G)`}
      aria-label={`${what}: ${track}${fit}`}
      onClick={() => void generate(asked([track], part))}
    >
      <Icon name="make" /> {what}
    </button>
  );
}

function UploadButton({ track }: { track: string }) {
  const input = useRef<HTMLInputElement>(null);
  const onChange = () => {
    const file = input.current?.files?.[0];
    if (file) void bring(file, track);
    input.current!.value = "";
  };
  return (
    <>
      <button type="button" class="plain" aria-label={`Upload ${track}`} title="Upload your own (WAV, FLAC, OGG, MP3), or drop it here" onClick={() => input.current?.click()}>
        <Icon name="upload" />
      </button>
      <input ref={input} type="file" class="unseen" tabIndex={-1} aria-label={`File for ${track}`} accept="audio/*,.wav,.flac,.ogg,.mp3" onChange={onChange} />
    </>
  );
}

function Body({ track, colour }: { track: string; colour: string }) {
  const takeId = chosen.value[track];
  const { durationS } = grid.value;
  const width = durationS * pxPerS.value;
  const following = ofTrack(track);
  return (
    <div class="body" style={{ width: `${width}px` }}>
      <div class="wave-ground" onPointerDown={onSpanDrag}>
        {takeId ? (
          <Waveform takeId={takeId} durationS={durationS} colour={colour} width={width} label={`Waveform of ${track}, ${takeName(takesOf(track), takeId)}`} />
        ) : following ? null : (
          <p class="empty">{arriving.value.has(track) ? `${arriving.value.get(track)} is on its way …` : (partOf(track) === "out" ? "left out" : "empty: generate it, or drop a file here")}</p>
        )}
        {loading.value.has(track) && <span class="loading" aria-hidden="true" />}
      </div>
      {following && <Progress following={following} />}
      <Takes track={track} />
    </div>
  );
}

/** Where a piece begins: with a prompt, or with stems one has. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { api, type NewPiece, type PieceSummary } from "../api/client";
import { noticeLoss, onReturn } from "../state/connection";
import { generate } from "../state/generations";
import { openParts, rest, asked } from "../state/making";
import { tell, tellFault } from "../state/notices";
import { open, titleOf } from "../state/piece";
import { goTo } from "../state/route";
import { bringAll } from "../state/uploads";
import { GENRES, INSTRUMENTS, KEYS, MOODS, toggled, wordsOf } from "../state/words";
import { Icon } from "./icons";
import { since } from "./since";

const LONGEST_S = 240;
const BARS = [2, 4, 8, 16, 32, 64];
const TEMPI = [
  ["slow", 76],
  ["medium", 100],
  ["fast", 132],
] as const;
const RECENT = 6;

export function StartPage({ onPieces }: { onPieces: () => void }) {
  const prompt = useSignal("");
  const tempo = useSignal<number | null>(120);
  const unit = useSignal<"bars" | "seconds">("bars");
  const bars = useSignal(4);
  const seconds = useSignal(8);
  const isBusy = useSignal(false);
  const isOver = useSignal(false);
  const picker = useRef<HTMLInputElement>(null);

  const lengthS = () => (unit.value === "bars" && tempo.value ? (bars.value * 4 * 60) / tempo.value : seconds.value);

  const make = async (length: Partial<NewPiece>, then: () => void) => {
    isBusy.value = true;
    try {
      const made = await api.create({ prompt: prompt.value.trim(), ...length } as NewPiece);
      await open(made.id);
      openParts(made.id);
      then();
      goTo(made.id);
    } catch (fault) {
      if (noticeLoss(fault)) tell({ kind: "problem", text: "The piece was not begun: the server does not answer.", action: { label: "Try again", run: () => void make(length, then) } });
      else tellFault("The piece was not begun", fault);
    } finally {
      isBusy.value = false;
    }
  };

  const compose = (event: Event) => {
    event.preventDefault();
    const length = unit.value === "bars" && tempo.value ? { bars: bars.value } : { duration_s: seconds.value };
    void make({ ...length, ...(tempo.value && { tempo_bpm: tempo.value }) }, () => void generate(asked(rest.value, null)));
  };

  const begin = async (files: readonly File[]) => {
    if (files.length === 0) return;
    const lengths = await Promise.all(files.map(lengthOf));
    const bad = files.filter((_, number) => lengths[number] === null);
    for (const file of bad) tell({ kind: "problem", text: `${file.name} is no sound file that can be read.`, remedy: "Use WAV, FLAC, OGG or MP3." });
    const good = files.filter((_, number) => lengths[number] !== null);
    if (good.length === 0) return;
    const longest = Math.max(...lengths.map((each) => each ?? 0));
    if (longest > LONGEST_S) tell({ kind: "news", text: `A piece has at most ${LONGEST_S / 60} minutes: the rest of the stems is cut off.` });
    const duration_s = Math.min(Math.max(1, longest), LONGEST_S);
    void make({ duration_s, ...(tempo.value && tempoWasSet.value && { tempo_bpm: tempo.value }) }, () => bringAll(good));
  };
  const tempoWasSet = useSignal(false);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    isOver.value = false;
    void begin([...(event.dataTransfer?.files ?? [])]);
  };
  const chips = (title: string, words: readonly string[]) => (
    <div class="chips" role="group" aria-label={title}>
      <span class="chips-title" aria-hidden="true">
        {title}
      </span>
      {words.map((word) => (
        <button type="button" key={word} class="chip" aria-pressed={wordsOf(prompt.value).includes(word)} onClick={() => (prompt.value = toggled(prompt.value, word))}>
          {word}
        </button>
      ))}
    </div>
  );
  const key = wordsOf(prompt.value).find((word) => KEYS.includes(word)) ?? "";
  return (
    <main class={isOver.value ? "start over" : "start"} onDragOver={(event) => (event.preventDefault(), (isOver.value = true))} onDragLeave={() => (isOver.value = false)} onDrop={onDrop}>
      <form class="begin" onSubmit={compose}>
        <h1>What shall it sound like?</h1>
        <p class="lead">Four tracks, made together to fit: bass, drums, instrument, melody. Keep what you like and have the rest made anew.</p>
        <label class="prompt">
          <span class="unseen">Prompt</span>
          <textarea rows={2} autofocus maxLength={2000} value={prompt.value} placeholder="blues, clean electric guitar, melancholic, A minor" onInput={(event) => (prompt.value = event.currentTarget.value)} />
        </label>
        {chips("Genre", GENRES)}
        {chips("Mood", MOODS)}
        {chips("Instrument", INSTRUMENTS)}
        <div class="chips" role="group" aria-label="Tempo">
          <span class="chips-title" aria-hidden="true">
            Tempo
          </span>
          {TEMPI.map(([word, bpm]) => (
            <button type="button" key={word} class="chip" aria-pressed={tempo.value === bpm} onClick={() => ((tempo.value = bpm), (tempoWasSet.value = true))}>
              {word}
            </button>
          ))}
          <label class="field inline">
            <input
              type="number"
              min={20}
              max={400}
              aria-label="Tempo in beats a minute"
              value={tempo.value ?? ""}
              placeholder="any"
              onInput={(event) => {
                const asked = Number(event.currentTarget.value);
                tempo.value = asked >= 20 && asked <= 400 ? asked : null;
                tempoWasSet.value = true;
              }}
            />
            <span>bpm</span>
          </label>
          <label class="field inline">
            <span class="unseen">Key</span>
            <select
              value={key}
              onChange={(event) => {
                const others = wordsOf(prompt.value).filter((word) => !KEYS.includes(word));
                prompt.value = [...others, event.currentTarget.value].filter(Boolean).join(", ");
              }}
            >
              <option value="">any key</option>
              {KEYS.map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
        </div>
        <div class="chips" role="group" aria-label="Length">
          <span class="chips-title" aria-hidden="true">
            Length
          </span>
          <label class="field inline">
            {unit.value === "bars" ? (
              <select aria-label="Length in bars" value={bars.value} onChange={(event) => (bars.value = Number(event.currentTarget.value))}>
                {BARS.map((count) => (
                  <option key={count}>{count}</option>
                ))}
              </select>
            ) : (
              <input type="number" min={1} max={LONGEST_S} step="any" aria-label="Length in seconds" value={seconds.value} onInput={(event) => (seconds.value = Number(event.currentTarget.value))} />
            )}
          </label>
          <label class="field inline">
            <select aria-label="Unit of length" value={unit.value} onChange={(event) => (unit.value = event.currentTarget.value as "bars" | "seconds")}>
              <option>bars</option>
              <option>seconds</option>
            </select>
          </label>
          <span class="fine">{unit.value === "bars" && tempo.value ? `${lengthS().toFixed(1)} s` : unit.value === "bars" ? "bars need a tempo: seconds are taken" : ""}</span>
        </div>
        <div class="begin-row">
          <button type="submit" class="go" disabled={isBusy.value || lengthS() < 1 || lengthS() > LONGEST_S}>
            <Icon name="make" />
            <span>
              <b>Compose four tracks</b>
              <small>{lengthS() > LONGEST_S ? "at most 4 minutes" : `${lengthS().toFixed(0)} s, together, from the prompt`}</small>
            </span>
          </button>
          <span class="or">or</span>
          <button type="button" class="drop" disabled={isBusy.value} onClick={() => picker.current?.click()}>
            <Icon name="upload" />
            <span>
              <b>Begin with your own stems</b>
              <small>drop them anywhere: WAV, FLAC, OGG, MP3</small>
            </span>
          </button>
          <input ref={picker} type="file" multiple class="unseen" tabIndex={-1} aria-label="Your own stems" accept="audio/*,.wav,.flac,.ogg,.mp3" onChange={() => void begin([...(picker.current?.files ?? [])])} />
        </div>
      </form>
      <Recent onPieces={onPieces} />
    </main>
  );
}

/** Seconds, or null for what is no sound. */
async function lengthOf(file: File): Promise<number | null> {
  try {
    const audio = await new OfflineAudioContext(2, 1, 48_000).decodeAudioData(await file.arrayBuffer());
    return audio.duration;
  } catch {
    return null;
  }
}

function Recent({ onPieces }: { onPieces: () => void }) {
  const pieces = useSignal<readonly PieceSummary[]>([]);
  useEffect(() => {
    const load = () => api.pieces().then((found) => (pieces.value = found), (fault) => noticeLoss(fault) || tellFault("The pieces cannot be listed", fault));
    void load();
    return onReturn(() => void load());
  }, []);
  if (pieces.value.length === 0) return null;
  return (
    <section class="recent" aria-label="Recent pieces">
      <h2>Go on with</h2>
      <ul>
        {pieces.value.slice(0, RECENT).map((each) => (
          <li key={each.id}>
            <a href={`/?piece=${each.id}`} onClick={(event) => (event.preventDefault(), goTo(each.id))}>
              <b>{titleOf(each)}</b>
              <small>
                {each.tempo_bpm ? `${Math.round(each.tempo_bpm)} bpm, ` : ""}
                {Math.round(each.duration_s)} s, {since(each.created_at)}
              </small>
            </a>
          </li>
        ))}
      </ul>
      {pieces.value.length > RECENT && (
        <button type="button" class="quiet" onClick={onPieces}>
          All pieces
        </button>
      )}
    </section>
  );
}

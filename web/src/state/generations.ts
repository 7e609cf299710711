/** Generations that are waited for, followed by the server's events. */

import { computed, signal } from "@preact/signals";
import { api, eventsOf, type Generation, type NewGeneration } from "../api/client";
import { isLost, lost, noticeLoss, onReturn } from "./connection";
import { read, write } from "./kept";
import { tell, tellFault } from "./notices";
import { choose, chosen, piece, refresh, tellOthers } from "./piece";

export interface Following {
  id: string;
  targets: readonly string[];
  /** Where it begins and ends, in seconds; null for the whole. */
  region: readonly number[] | null;
  state: string;
  stage: string;
  /** 0 to 1 */
  progress: number;
  /** 1 is next; null once it runs. */
  place: number | null;
  /** Seconds left, once it can be told. */
  leftS: number | null;
}

interface Start {
  atMs: number;
  progress: number;
}

const ENDED = ["done", "failed", "cancelled"];
const SHOWN_AT_ONCE = 8;
const PATIENCE_MS = 1000;

export const following = signal<ReadonlyMap<string, Following>>(new Map());
export const isBusy = computed(() => following.value.size > 0);
export const ofTrack = (track: string): Following | undefined =>
  [...following.value.values()].find((each) => each.targets.includes(track));

const streams = new Map<string, EventSource>();
const starts = new Map<string, Start>();
/** Of which this page chooses the first takes when they are there, also after a reload. */
const mine = new Set<string>(read<string[]>("asked", []));

/** Ask for takes. A repeated call with the same key, after a loss, asks only once. */
export async function generate(
  asked: NewGeneration,
  key: string = crypto.randomUUID(),
  id = piece.value?.id,
): Promise<void> {
  if (!id) return;
  try {
    const generation = await api.generate(id, asked, key);
    remember(generation.id);
    if (id === piece.value?.id) follow(generation);
    tellOthers();
  } catch (fault) {
    if (noticeLoss(fault)) {
      tell({ kind: "problem", text: "The server is away: what you asked for is sent when it is back." });
      onceBack(() => void generate(asked, key, id));
    } else tellFault("Nothing was generated", fault, () => void generate(asked));
  }
}

const waiting: (() => void)[] = [];
const onceBack = (call: () => void) => waiting.push(call);

export async function cancel(id: string): Promise<void> {
  try {
    await api.cancel(id);
  } catch (fault) {
    if (!noticeLoss(fault)) tellFault("It was not cancelled", fault);
  }
}

/** Find those of the open piece that have not ended: after a reload, or asked for in another page. */
export async function followUnended(): Promise<void> {
  const ids = [...(piece.value?.generations ?? [])].reverse();
  for (let first = 0; first < ids.length; first += SHOWN_AT_ONCE) {
    const part = ids.slice(first, first + SHOWN_AT_ONCE).filter((id) => !known.has(id));
    if (part.length === 0) return;
    let found: Generation[];
    try {
      found = await Promise.all(part.map(api.generation));
    } catch (fault) {
      noticeLoss(fault);
      return;
    }
    for (const each of found) {
      known.add(each.id);
      if (!ENDED.includes(each.state)) follow(each);
      else if (each.state === "done") settle(each);
    }
  }
}

/** Those whose end needs no look any more. */
const known = new Set<string>();

export function forgetAll(): void {
  for (const stream of streams.values()) stream.close();
  streams.clear();
  starts.clear();
  known.clear();
  following.value = new Map();
}

function follow(generation: Generation): void {
  known.add(generation.id);
  const { request, id, state, stage, progress, place } = generation;
  put({ id, targets: request.targets, region: request.region_s ?? null, state, stage, progress, place, leftS: null });
  listen(id);
}

function listen(id: string): void {
  streams.get(id)?.close();
  const stream = new EventSource(eventsOf(id));
  streams.set(id, stream);
  stream.addEventListener("progress", (event) => heard(id, JSON.parse(event.data)));
  stream.addEventListener("end", (event) => {
    stream.close();
    void ended(id, JSON.parse(event.data));
  });
  stream.onerror = () => {
    // the browser comes back by itself, except to a server that answers with something else
    if (stream.readyState === EventSource.CLOSED) {
      setTimeout(() => streams.get(id) === stream && listen(id), PATIENCE_MS);
      lost();
    }
  };
}

function heard(id: string, news: { state: string; stage: string; progress: number; place: number | null }): void {
  const old = following.value.get(id);
  if (!old) return;
  put({ ...old, ...news, leftS: left(id, news) });
}

/** By the pace since it began. */
function left(id: string, news: { state: string; progress: number }): number | null {
  if (news.state !== "running") return null;
  const start = starts.get(id);
  if (!start || news.progress < start.progress) {
    starts.set(id, { atMs: performance.now(), progress: news.progress });
    return null;
  }
  const made = news.progress - start.progress;
  const spentS = (performance.now() - start.atMs) / 1000;
  return made > 0.02 ? (spentS / made) * (1 - news.progress) : null;
}

async function ended(id: string, news: { state?: string; error?: string | null }): Promise<void> {
  const { targets = [] } = following.value.get(id) ?? {};
  drop(id);
  if (news.state === "failed") {
    const text = `${targets.join(", ")} could not be made: ${news.error ?? "no reason was given"}.`;
    tell({ kind: "problem", text: text[0]!.toUpperCase() + text.slice(1), remedy: "Ask for it again." });
  }
  if (news.state !== "done") return void refresh();
  try {
    const generation = await api.generation(id);
    await refresh();
    settle(generation);
    tellOthers();
  } catch (fault) {
    noticeLoss(fault);
    known.delete(id); // looked at again when the server is back
  }
}

/** The first new takes are chosen where this browser asked for them. */
function settle(generation: Generation): void {
  if (generation.composition_id !== piece.value?.id) return;
  const isMine = mine.has(generation.id);
  const choice: Record<string, string> = {};
  for (const target of generation.request.targets) {
    const first = generation.takes.find((take) => take.track === target);
    if (first && isMine && chosen.value[target] !== first.id) choice[target] = first.id;
  }
  forget(generation.id);
  if (Object.keys(choice).length > 0) choose(choice);
}

function remember(id: string): void {
  mine.add(id);
  write("asked", [...mine].slice(-50));
}

function forget(id: string): void {
  mine.delete(id);
  write("asked", [...mine]);
}

function put(each: Following): void {
  following.value = new Map(following.value).set(each.id, each);
}

function drop(id: string): void {
  streams.get(id)?.close();
  streams.delete(id);
  starts.delete(id);
  const rest = new Map(following.value);
  rest.delete(id);
  following.value = rest;
}

onReturn(() => {
  for (const call of waiting.splice(0)) call();
  for (const id of following.value.keys()) if (streams.get(id)?.readyState === EventSource.CLOSED) listen(id);
  if (!isLost.value) void followUnended();
});

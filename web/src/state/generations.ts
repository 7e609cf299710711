/** Generations that are waited for, followed by the server's events. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { api, eventsOf, type Generation, type NewGeneration, type Take } from "../api/client";
import { isLost, lost, noticeLoss, onReturn } from "./connection";
import { read, write } from "./kept";
import { tell, tellFault } from "./notices";
import { choose, chosen, piece, refresh } from "./piece";

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
const PATIENCE_MS = 1000;

/** What is in the making in the open piece, whoever asked for it. */
export const following = signal<ReadonlyMap<string, Following>>(new Map());
export const isBusy = computed(() => following.value.size > 0);
export const ofTrack = (track: string): Following | undefined =>
  [...following.value.values()].find((each) => each.targets.includes(track));

const starts = new Map<string, Start>();
/** Asked for in this page, also before a reload: their ends are told, and their first takes chosen. */
const mine = signal<ReadonlySet<string>>(new Set(read<string[]>("asked", [])));
effect(() => write("asked", [...mine.value].slice(-50)));

/** Ask for takes. A repeated call with the same key, after a loss, asks only once. */
export async function generate(
  asked: NewGeneration,
  key: string = crypto.randomUUID(),
  id = piece.value?.id,
): Promise<void> {
  if (!id) return;
  try {
    const generation = await api.generate(id, asked, key);
    mine.value = new Set(mine.value).add(generation.id);
    if (id === piece.value?.id) following.value = new Map(following.value).set(generation.id, followingOf(generation));
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

const openId = computed(() => piece.value?.id);
const isShown = signal(document.visibilityState === "visible");
document.addEventListener("visibilitychange", () => (isShown.value = document.visibilityState === "visible"));
/** A browser keeps few connections to a server: a hidden page that waits for nothing leaves its own. */
const isListening = computed(() => isShown.value || isBusy.value);

effect(() => {
  const id = openId.value;
  return id && isListening.value ? listen(id) : undefined;
});
effect(() => {
  if (!openId.value) following.value = new Map();
});

/** Hear the piece's events; gives what ends it. */
function listen(id: string): () => void {
  const stream = new EventSource(eventsOf(id));
  let again = 0;
  let end = () => stream.close();
  stream.addEventListener("generations", (event) => heard(JSON.parse(event.data).unended));
  stream.addEventListener("end", end);
  stream.onerror = () => {
    // the browser comes back by itself, except to a server that answers with something else
    if (stream.readyState !== EventSource.CLOSED) return;
    again = setTimeout(() => (end = listen(id)), PATIENCE_MS);
    lost();
  };
  return () => {
    clearTimeout(again);
    end();
  };
}

function heard(generations: readonly Generation[]): void {
  const before = following.value;
  following.value = new Map(generations.map((each) => [each.id, followingOf(each)]));
  for (const id of before.keys()) {
    if (following.value.has(id)) continue;
    starts.delete(id);
    void (mine.value.has(id) ? look(id) : refresh());
  }
}

function followingOf(generation: Generation): Following {
  const { request, id, state, stage, progress, place } = generation;
  const region = request.region_s ?? null;
  return { id, targets: request.targets, region, state, stage, progress, place, leftS: left(generation) };
}

/** By the pace since it began. */
function left({ id, state, progress }: Generation): number | null {
  if (state !== "running") return null;
  const start = starts.get(id);
  if (!start || progress < start.progress) {
    starts.set(id, { atMs: performance.now(), progress });
    return null;
  }
  const made = progress - start.progress;
  const spentS = (performance.now() - start.atMs) / 1000;
  return made > 0.02 ? (spentS / made) * (1 - progress) : null;
}

const looking = new Set<string>();

/** Looks at those of this page's that the piece names and that are not in the making any more. */
effect(() => {
  const ids = piece.value?.generations ?? [];
  if (isLost.value) return;
  for (const id of ids) if (mine.value.has(id) && !following.value.has(id)) void untracked(() => look(id));
});

async function look(id: string): Promise<void> {
  if (looking.has(id)) return;
  looking.add(id);
  try {
    const generation = await api.generation(id);
    if (!ENDED.includes(generation.state)) return;
    if (generation.state === "done") await settle(generation);
    if (generation.state === "failed") tellFailure(generation);
    mine.value = new Set([...mine.value].filter((each) => each !== id));
  } catch (fault) {
    noticeLoss(fault); // it is looked at again when the piece is read again
  } finally {
    looking.delete(id);
  }
}

/** Choose the first new takes. */
async function settle({ composition_id, request, takes }: Generation): Promise<void> {
  await refresh();
  if (composition_id !== piece.value?.id) return;
  const firsts = request.targets.map((target) => takes.find((take) => take.track === target));
  const isNew = (take: Take | undefined) => take !== undefined && chosen.value[take.track] !== take.id;
  const choice = firsts.filter(isNew).map((take) => [take!.track, take!.id]);
  if (choice.length > 0) choose(Object.fromEntries(choice));
}

function tellFailure({ request, error }: Generation): void {
  const text = `${request.targets.join(", ")} could not be made: ${error ?? "no reason was given"}.`;
  tell({ kind: "problem", text: text[0]!.toUpperCase() + text.slice(1), remedy: "Ask for it again." });
}

onReturn(() => {
  for (const call of waiting.splice(0)) call();
});

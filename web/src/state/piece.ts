/** The composition that is open: what the server knows of it, and edits on their way there. */

import { computed, effect, signal } from "@preact/signals";
import { api, type Lane, type Model, type Piece, type PieceChange, Refused, type Take } from "../api/client";
import { isLost, noticeLoss, onReturn } from "./connection";
import { type Grid, gridOf } from "./grid";
import { tellFault } from "./notices";
import { added, type Chosen, difference, type Past, pastOf } from "./undo";

export const piece = signal<Piece | null>(null);
/** What the server serves, of which a piece names one. */
export const models = signal<readonly Model[]>([]);
export const isMissing = signal(false);
export const past = signal<Past>({ states: [{}], at: 0 });

export const grid = computed<Grid>(() =>
  piece.value ? gridOf(piece.value) : { durationS: 1, beatS: null, beatsPerBar: 4 },
);
export const model = computed<Model | null>(
  () => models.value.find((each) => each.uri === piece.value?.model_uri) ?? models.value[0] ?? null,
);
export const tracks = computed<readonly string[]>(() => piece.value?.tracks ?? []);
export const chosen = computed<Chosen>(() => chosenOf(piece.value));
export const canUndo = computed(() => past.value.at > 0);
export const canRedo = computed(() => past.value.at < past.value.states.length - 1);

const SAVE_MS = 250;
const LOOK_MS = 15_000;
/** Other pages of this browser that show the same. */
const others = new BroadcastChannel("stemwright");

type Choice = Record<string, string | null>;
let unsent: PieceChange = {};
let unsentChoice: Choice = {};
/** Sent and not answered yet: what is read meanwhile may be older. */
let sentChoice: Choice = {};
let sentFacts: PieceChange = {};
/** Of pieces that were left while the server was away. */
const late = new Map<string, [PieceChange, Choice]>();
let answers = 0;
let timer = 0;

export function chosenOf(from: Piece | null): Chosen {
  const slots = Object.entries(from?.slots ?? {});
  return Object.fromEntries(slots.flatMap(([track, slot]) => (slot.selected ? [[track, slot.selected]] : [])));
}

export const takesOf = (track: string): readonly Take[] => piece.value?.slots[track]?.takes ?? [];
export const laneOf = (track: string): Lane => piece.value?.slots[track]?.lane ?? { gain_db: 0, pan: 0, mute: false };

export async function open(id: string): Promise<void> {
  if (piece.value?.id !== id) {
    await leave();
    past.value = { states: [{}], at: 0 };
  }
  isMissing.value = false;
  await refresh(id);
}

/** What is not saved yet is saved first, or kept for when the server is back. */
export async function leave(): Promise<void> {
  await send();
  if (piece.value && !(isEmpty(unsent) && isNone(unsentChoice))) late.set(piece.value.id, [unsent, unsentChoice]);
  [unsent, unsentChoice] = [{}, {}];
  piece.value = null;
}

export async function refresh(id = piece.value?.id): Promise<void> {
  if (!id) return;
  const before = answers;
  try {
    const [found, served] = await Promise.all([api.piece(id), models.value.length ? models.value : api.models()]);
    models.value = served;
    if (before !== answers) return void (await refresh(id)); // an edit arrived meanwhile: this is older, or may be
    show(found);
  } catch (fault) {
    if (fault instanceof Refused && fault.status === 404) isMissing.value = true;
    else if (!noticeLoss(fault)) tellFault("The piece cannot be opened", fault);
  }
}

/** As the server has it, with what is on its way there. */
function show(found: Piece): void {
  const history = found.history.map((each) => each.takes);
  const isFirst = piece.value?.id !== found.id;
  const merged = withUnsent(found);
  piece.value = merged;
  if (isFirst) past.value = pastOf(history);
  else if (isNone(unsentChoice) && isNone(sentChoice)) past.value = added(past.value, chosenOf(merged));
}

function withUnsent(found: Piece): Piece {
  const { lanes, ...facts } = { ...sentFacts, ...unsent, lanes: { ...sentFacts.lanes, ...unsent.lanes } };
  const choice = { ...sentChoice, ...unsentChoice };
  const slots = { ...found.slots };
  for (const [track, lane] of Object.entries(lanes ?? {})) slots[track] = { ...slots[track]!, lane };
  for (const [track, take] of Object.entries(choice)) slots[track] = { ...slots[track]!, selected: take };
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value != null));
  return { ...found, ...known, slots };
}

/** Rename it, or change prompt or tempo: seen at once, sent a moment later, again where the server is lost. */
export function change(facts: Omit<PieceChange, "lanes">): void {
  unsent = { ...unsent, ...facts };
  edited();
}

export function setLane(track: string, part: Partial<Lane>): void {
  unsent = { ...unsent, lanes: { ...unsent.lanes, [track]: { ...laneOf(track), ...part } } };
  edited();
}

function edited(): void {
  if (piece.value) piece.value = withUnsent(piece.value);
  clearTimeout(timer);
  timer = setTimeout(send, SAVE_MS);
}

/** Choose takes, null lets a slot go. */
export function choose(choice: Choice): void {
  if (!piece.value) return;
  unsentChoice = { ...unsentChoice, ...choice };
  piece.value = withUnsent(piece.value);
  past.value = added(past.value, chosen.value);
  void send();
}

export const undo = () => canUndo.value && goTo(past.value.at - 1);
export const redo = () => canRedo.value && goTo(past.value.at + 1);

function goTo(at: number): void {
  if (!piece.value) return;
  unsentChoice = { ...unsentChoice, ...difference(chosen.value, past.value.states[at]!) };
  past.value = { ...past.value, at };
  piece.value = withUnsent(piece.value);
  void send();
}

let sending: Promise<void> = Promise.resolve();

/** One after another, so that the last edit is the one that stays. */
function send(): Promise<void> {
  clearTimeout(timer);
  sending = sending.then(sendNow);
  return sending;
}

async function sendNow(): Promise<void> {
  const id = piece.value?.id;
  const [facts, choice] = [unsent, unsentChoice];
  if (!id || (isEmpty(facts) && isNone(choice))) return;
  [unsent, unsentChoice] = [{}, {}];
  [sentFacts, sentChoice] = [facts, choice];
  try {
    const found = await keep(id, facts, choice);
    answers += 1;
    [sentFacts, sentChoice] = [{}, {}];
    if (found && piece.value?.id === id) show(found);
    others.postMessage(id);
  } catch (fault) {
    [sentFacts, sentChoice] = [{}, {}];
    if (noticeLoss(fault)) {
      unsent = { ...facts, ...unsent, lanes: { ...facts.lanes, ...unsent.lanes } };
      unsentChoice = { ...choice, ...unsentChoice };
    } else {
      tellFault("The change was not kept", fault);
      await refresh();
    }
  }
}

async function keep(id: string, facts: PieceChange, choice: Choice): Promise<Piece | null> {
  let found: Piece | null = null;
  if (!isEmpty(facts)) found = await api.change(id, facts);
  if (!isNone(choice)) found = await api.choose(id, choice);
  return found;
}

async function sendLate(): Promise<void> {
  for (const [id, [facts, choice]] of [...late]) {
    late.delete(id);
    await keep(id, facts, choice).catch((fault) => {
      if (noticeLoss(fault)) late.set(id, [facts, choice]);
      else tellFault("A change to the piece before was not kept", fault);
    });
  }
}

/** A track that is let go is a choice, too. */
const isNone = (choice: Choice) => Object.keys(choice).length === 0;
const isEmpty = (record: object) => Object.values(record).every((value) => value == null || isEmptyRecord(value));
const isEmptyRecord = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** Tell this browser's other pages that something changed. */
export const tellOthers = () => others.postMessage(piece.value?.id);

others.onmessage = ({ data }) => data === piece.value?.id && void refresh();
onReturn(() => {
  void sendLate();
  void send();
  void refresh();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && void refresh());
window.addEventListener("focus", () => void refresh());
window.addEventListener("pagehide", () => void send());
setInterval(() => document.visibilityState === "visible" && !isLost.value && void refresh(), LOOK_MS);
effect(() => {
  document.title = piece.value ? `${titleOf(piece.value)} · Stemwright` : "Stemwright";
});

export const titleOf = (of: { name: string; prompt: string }) => of.name || of.prompt || "Untitled piece";

// A blind pair at a time: both clips play at once, the one listened to is heard; answers are kept in this browser.
const test = JSON.parse(document.getElementById("test").textContent);
const pairs = new Map(test.pairs.map((pair) => [pair.id, pair]));
const byId = (id) => document.getElementById(id);
const sides = [...document.querySelectorAll(".side")];
const questions = [...document.querySelectorAll(".question")];
const PLACE = `listening-test-${test.test}`;
const VEIL = 16, TICK_MS = 50, MOVE_ON_MS = 280, CROSSFADE_S = 0.012;
let state = recalled() || fresh();
let stored = true;

// ---- what is kept

function fresh() {
  return { version: 1, test: test.test, rater: hex(12), name: "", through: "", started: "", finished: "", sent: false,
    order: shuffled([...pairs.keys()]), swapped: test.pairs.map(() => random(2) === 1), place: 0, answers: {}, heard: {}, spent: {} };
}
function recalled() {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE));
    const fits = kept && kept.version === 1 && kept.order.length === pairs.size && kept.order.every((id) => pairs.has(id));
    return fits ? kept : null;
  } catch { return null; }
}
function keep() {
  try { localStorage.setItem(PLACE, JSON.stringify(state)); stored = true; } catch { stored = false; }
}
function random(below) { // without the bias of a remainder
  const limit = Math.floor(2 ** 32 / below) * below;
  for (;;) {
    const [value] = crypto.getRandomValues(new Uint32Array(1));
    if (value < limit) return value % below;
  }
}
function hex(bytes) { return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join(""); }
function shuffled(items) {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random(last + 1);
    [items[last], items[other]] = [items[other], items[last]];
  }
  return items;
}

// ---- sound

let context = null, buffers = null, sources = null, gains = null;
let startedAt = 0, position = 0, side = 0, lastTick = 0, shown = null;
const beside = new Map();
window.heardClip = (name, text) => beside.get(name)?.(text);

function audio() {
  context ??= new AudioContext();
  if (context.state !== "running") context.resume(); // suspended, or interrupted by a call
  return context;
}
function clipText(name) {
  const inside = byId(`clip-${name}`);
  if (inside) return Promise.resolve(inside.textContent);
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    beside.set(name, (text) => { beside.delete(name); script.remove(); resolve(text); });
    script.onerror = () => reject(new Error(`clips/${name}.js is not beside this page`));
    script.src = `clips/${name}.js`;
    document.head.append(script);
  });
}
async function clip(name) {
  const raw = Uint8Array.from(atob((await clipText(name)).trim()), (letter) => letter.charCodeAt(0));
  const plain = raw.subarray(VEIL).map((byte, at) => byte ^ raw[at % VEIL]);
  const length = new DataView(plain.buffer).getUint32(0, true);
  context ??= new AudioContext();
  return context.decodeAudioData(plain.slice(4, 4 + length).buffer);
}
let ahead = { id: "", clips: null };
function decoded(id) {
  if (ahead.id !== id) ahead = { id, clips: Promise.all([clip(`${id}x`), clip(`${id}y`)]) };
  return ahead.clips;
}
function duration() { return buffers ? Math.min(buffers[0].duration, buffers[1].duration) : 0; }
function now() { return sources ? Math.min(duration(), context.currentTime - startedAt) : position; }
function start() {
  if (!buffers || sources) return;
  audio();
  if (position >= duration() - 0.02) position = 0;
  gains = buffers.map((_, which) => {
    const gain = context.createGain();
    gain.gain.value = which === side ? 1 : 0;
    gain.connect(context.destination);
    return gain;
  });
  const at = context.currentTime + 0.03; // both at the same sample
  sources = buffers.map((buffer, which) => {
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(gains[which]);
    source.start(at, position);
    return source;
  });
  startedAt = at - position;
  lastTick = now();
  document.body.classList.add("playing");
  byId("play").ariaLabel = "Pause";
}
function stop() {
  if (!sources) return;
  position = Math.max(0, now());
  for (const source of sources) source.stop();
  sources = null;
  document.body.classList.remove("playing");
  byId("play").ariaLabel = "Play";
}
function listen(to) {
  side = to;
  sides.forEach((button, which) => (button.ariaPressed = String(which === to)));
  if (sources) gains.forEach((gain, which) => gain.gain.setTargetAtTime(which === to ? 1 : 0, context.currentTime, CROSSFADE_S / 3));
  else start();
}
function seek(to) {
  const going = sources !== null;
  stop();
  position = to;
  if (going) start();
  draw();
}
function tick() {
  if (sources) {
    const at = now();
    if (at > lastTick) heard(shown)[side] += at - lastTick;
    lastTick = at;
    if (at >= duration()) { stop(); position = 0; keep(); }
  }
  if (shown && document.visibilityState === "visible") state.spent[shown] = (state.spent[shown] || 0) + TICK_MS / 1000;
  draw();
}
function heard(id) { return (state.heard[id] ??= [0, 0]); } // as A and B, seconds
function needed() { return Math.min(test.least_heard_s, duration() * 0.6); }
function heardBoth() { return buffers !== null && heard(shown).every((seconds) => seconds >= needed()); }

// ---- a pair

function answered(id) { return (state.answers[id] || []).filter((answer) => answer !== null).length === questions.length; }
function current() { // the question that keys answer
  const inside = document.activeElement?.closest?.(".question");
  if (inside) return Number(inside.dataset.question);
  const open = questions.findIndex((_, number) => !state.answers[shown]?.[number]);
  return open < 0 ? 0 : open;
}
async function show(place) {
  stop();
  const id = state.order[(state.place = place)];
  const pair = pairs.get(id);
  shown = id; buffers = null; position = 0; side = 0;
  keep();
  byId("count").textContent = `Pair ${place + 1} of ${pairs.size}`;
  byId("about").hidden = !pair.prompt;
  byId("prompt").textContent = pair.prompt || "Listen to both.";
  byId("prompt").classList.toggle("long", pair.prompt.length > 90);
  byId("part").hidden = pair.part === "mix";
  byId("part").textContent = `Only the ${pair.part} is heard here.`;
  sides.forEach((button) => (button.ariaPressed = "false"));
  open("trial");
  byId("prompt").focus({ preventScroll: true });
  draw();
  try {
    const clips = await decoded(id);
    if (shown !== id) return;
    buffers = state.swapped[place] ? [clips[1], clips[0]] : clips;
    draw();
    if (place + 1 < pairs.size) setTimeout(() => shown === id && decoded(state.order[place + 1]).catch(() => {}), 400);
  } catch (error) {
    if (shown === id) byId("hint").textContent = `This pair cannot be played: ${error.message}`;
  }
}
function vote(number, choice) {
  if (!heardBoth() || (choice === "tie" && !test.ties)) { draw(); return; }
  const first = !answered(shown);
  const answers = (state.answers[shown] ??= questions.map(() => null));
  answers[number] = choice;
  if (answered(shown)) state.finished = "";
  document.activeElement?.blur?.();
  keep();
  draw();
  const id = shown;
  if (first && answered(shown)) setTimeout(() => shown === id && onward(), MOVE_ON_MS);
}
function onward() {
  const open = state.order.findIndex((id, place) => place > state.place && !answered(id));
  if (open >= 0) show(state.place + 1);
  else {
    const left = state.order.findIndex((id) => !answered(id));
    if (left >= 0) show(left); else finish();
  }
}
function draw() {
  const done = state.order.filter(answered).length;
  byId("progress").ariaValueNow = done;
  byId("progress").firstElementChild.style.width = `${(100 * done) / pairs.size}%`;
  if (!shown) return;
  const long = duration(), at = Math.max(0, now()), ready = heardBoth();
  if (document.activeElement !== byId("seek") || sources) byId("seek").value = long ? Math.round((1000 * at) / long) : 0;
  byId("seek").ariaValueText = `${Math.round(at)} of ${Math.round(long)} seconds`;
  byId("clock").textContent = long ? `${clock(at)} / ${clock(Math.round(long))}` : "";
  sides.forEach((button, which) => {
    const share = long ? Math.min(1, heard(shown)[which] / needed()) : 0;
    button.querySelector(".heard i").style.width = `${100 * share}%`;
    button.querySelector(".what").textContent = button.ariaPressed === "true" && sources ? "playing" : share >= 1 ? "heard" : "listen";
    button.disabled = !buffers;
  });
  const asked = current();
  questions.forEach((question, number) => {
    const chosen = state.answers[shown]?.[number] ?? null;
    question.classList.toggle("later", questions.length > 1 && number !== asked && chosen === null);
    for (const button of question.querySelectorAll(".vote")) {
      button.disabled = !ready;
      button.ariaPressed = String(chosen !== null && button.dataset.vote === letter(chosen));
    }
  });
  byId("back").disabled = state.place === 0;
  byId("next").disabled = !answered(shown);
  say(!buffers ? "Loading" : !ready ? "Listen to both first" : answered(shown) ? "" : "Your choice");
}
function say(text) {
  if (byId("hint").textContent !== text && !(byId("hint").textContent.startsWith("This pair") && !buffers)) byId("hint").textContent = text;
}
function clock(seconds) { return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`; }
function sideOf(chosen) { return chosen === "tie" ? "tie" : (chosen === "a") !== state.swapped[state.place] ? "x" : "y"; }
function letter(clip) { return clip === "tie" ? "tie" : (clip === "x") !== state.swapped[state.place] ? "a" : "b"; }

// ---- the end

function result() {
  const answers = state.order.flatMap((id, place) =>
    (state.answers[id] || []).flatMap((choice, question) => {
      if (choice === null) return [];
      const [a, b] = heard(id).map((seconds) => Math.round(seconds * 10) / 10);
      const [x, y] = state.swapped[place] ? [b, a] : [a, b];
      return [{ pair: id, question, choice, place, first: state.swapped[place] ? "y" : "x", heard_s: { x, y }, seconds: Math.round(state.spent[id] || 0) }];
    }));
  return { format: "stemwright-listening-result", format_version: 1, test: state.test, rater: state.rater, name: state.name,
    through: state.through, started: state.started, finished: state.finished, pairs: pairs.size, answers };
}
function finish() {
  stop();
  shown = null;
  const done = state.order.filter(answered).length, whole = done === pairs.size;
  if (whole && !state.finished) { state.finished = new Date().toISOString(); state.sent = false; }
  keep();
  byId("thanks").textContent = whole ? "That was the last pair. Thank you." : "Stopped for now.";
  byId("resume").hidden = whole;
  const link = byId("download");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([JSON.stringify(result(), null, 1)], { type: "application/json" }));
  link.download = `answers-${state.test.slice(0, 6)}-${state.rater.slice(0, 8)}.json`;
  const kept = stored ? "This browser keeps them until you begin anew." : "This browser keeps nothing: download them before you close the page.";
  byId("outcome").textContent = whole && test.post_to ? "Sending your answers …"
    : `${done} of ${pairs.size} pairs are answered. ${whole ? "Download your answers and send the file to whoever asked you." : kept}`;
  byId("send").hidden = true;
  open("end");
  byId("thanks").focus({ preventScroll: true });
  draw();
  if (whole && test.post_to) send();
}
async function send() {
  try {
    if (!state.sent) {
      const reply = await fetch(test.post_to, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(result()) });
      if (!reply.ok) throw new Error(`status ${reply.status}`);
      state.sent = true;
      keep();
    }
    byId("outcome").textContent = "Your answers have been sent. There is nothing more to do.";
    byId("send").hidden = true;
  } catch {
    byId("outcome").textContent = "Your answers could not be sent. Try again, or download them and send the file to whoever asked you.";
    byId("send").hidden = false;
  }
}
function open(name) {
  for (const main of document.querySelectorAll("main[id]")) main.hidden = main.id !== name;
  scrollTo(0, 0);
}

// ---- hands

byId("begin").addEventListener("click", () => {
  audio();
  state.name = byId("name").value.trim();
  state.through = document.querySelector("[name=through]:checked")?.value || "";
  state.started = new Date().toISOString();
  show(0);
});
byId("tone").addEventListener("click", () => {
  const gain = audio().createGain();
  gain.connect(context.destination);
  gain.gain.setValueAtTime(0, context.currentTime);
  gain.gain.linearRampToValueAtTime(0.05, context.currentTime + 0.05);
  gain.gain.setTargetAtTime(0, context.currentTime + 1.2, 0.4);
  for (const frequency of [130.8, 196, 261.6, 329.6, 493.9]) {
    const tone = context.createOscillator();
    tone.type = "triangle";
    tone.frequency.value = frequency;
    tone.connect(gain);
    tone.start();
    tone.stop(context.currentTime + 3);
  }
});
sides.forEach((button, which) => button.addEventListener("click", () => (sources && side === which ? stop() : listen(which))));
byId("play").addEventListener("click", () => (sources ? stop() : listen(side)));
byId("seek").addEventListener("input", (event) => seek((event.target.value / 1000) * duration()));
byId("seek").addEventListener("pointerup", (event) => event.target.blur());
questions.forEach((question, number) => {
  for (const button of question.querySelectorAll(".vote")) button.addEventListener("click", () => vote(number, sideOf(button.dataset.vote)));
});
byId("back").addEventListener("click", () => show(state.place - 1));
byId("next").addEventListener("click", onward);
byId("pause").addEventListener("click", finish);
byId("resume").addEventListener("click", () => show(state.place));
byId("send").addEventListener("click", send);
byId("anew").addEventListener("click", (event) => {
  if (event.target.dataset.sure) {
    state = fresh();
    keep();
    delete event.target.dataset.sure;
    event.target.textContent = "Begin anew as somebody else";
    draw();
    open("welcome");
  } else {
    event.target.dataset.sure = "1";
    event.target.textContent = "This forgets the answers above. Once more to begin anew";
  }
});
document.addEventListener("keydown", (event) => {
  if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
  const on = event.target;
  const votes = { 1: "a", 2: "b", 0: "tie" };
  if (event.key in votes && !event.repeat) vote(current(), sideOf(votes[event.key]));
  else if (event.key === " " && !on.closest("button, a")) sources ? stop() : listen(side);
  else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && on.id !== "seek") listen(event.key === "ArrowLeft" ? 0 : 1);
  else return;
  event.preventDefault();
});
addEventListener("pagehide", keep);
setInterval(tick, TICK_MS);
document.documentElement.classList.add("script");
if (state.started && (state.finished || state.order.every(answered))) finish();
else if (state.started) show(state.place);
else { open("welcome"); draw(); }

// Players: one lane sounds at a time; a click or a drag in its pictures seeks; space plays and pauses.
document.documentElement.classList.add("script");
const lanes = [...document.querySelectorAll(".lane")].map((element) => ({
  element,
  audio: element.querySelector("audio"),
  button: element.querySelector("button.play"),
  view: element.querySelector(".view"),
  seconds: Number(element.dataset.seconds),
}));
let sounding = null;

function length(lane) {
  return Number.isFinite(lane.audio.duration) ? lane.audio.duration : lane.seconds;
}
function show(lane) {
  lane.view.style.setProperty("--at", `${(100 * lane.audio.currentTime) / length(lane)}%`);
  lane.element.classList.toggle("started", lane.audio.currentTime > 0);
}
function follow() {
  if (!sounding) return;
  show(sounding);
  requestAnimationFrame(follow);
}
function play(lane) {
  for (const other of lanes) if (other !== lane) other.audio.pause();
  lane.audio.play();
}
function seek(lane, event) {
  const box = lane.view.getBoundingClientRect();
  const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999);
  lane.audio.currentTime = share * length(lane);
  show(lane);
}
for (const lane of lanes) {
  lane.button.addEventListener("click", () => (lane.audio.paused ? play(lane) : lane.audio.pause()));
  lane.view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    lane.view.setPointerCapture(event.pointerId);
    seek(lane, event);
    play(lane);
  });
  lane.view.addEventListener("pointermove", (event) => event.buttons & 1 && seek(lane, event));
  lane.audio.addEventListener("play", () => {
    sounding = lane;
    lane.element.classList.add("playing");
    lane.button.setAttribute("aria-pressed", "true");
    follow();
  });
  lane.audio.addEventListener("pause", () => {
    if (sounding === lane) sounding = null;
    lane.element.classList.remove("playing");
    lane.button.setAttribute("aria-pressed", "false");
    show(lane);
  });
  lane.audio.addEventListener("ended", () => {
    lane.audio.currentTime = 0;
    show(lane);
  });
}
for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "copied";
      setTimeout(() => (button.textContent = "copy"), 1200);
    } catch {
      getSelection().selectAllChildren(code);
    }
  });
}

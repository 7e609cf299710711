// Players: one side sounds at a time; chips choose the part on all sides of an example, at the same place.
document.documentElement.classList.add("script");
let sounding = null;
const sides = [...document.querySelectorAll(".side")].map((element) => ({
  element,
  audio: element.querySelector("audio"),
  button: element.querySelector("button.play"),
  view: element.querySelector(".view"),
  image: element.querySelector(".view img"),
  role: element.querySelector(".role"),
  fault: element.querySelector(".fault"),
  seconds: Number(element.dataset.seconds),
  sources: [...element.querySelectorAll(".sources li")],
  example: element.closest(".example"),
  at: 0,
}));

function length(side) {
  return Number.isFinite(side.audio.duration) ? side.audio.duration : side.seconds || 1;
}
function show(side) {
  side.view.style.setProperty("--at", `${(100 * side.at) / length(side)}%`);
  side.element.classList.toggle("started", side.at > 0);
}
function follow() {
  if (!sounding) return;
  sounding.at = sounding.audio.currentTime;
  show(sounding);
  requestAnimationFrame(follow);
}
function play(side) {
  // the other side of an example goes on where this one was left, so that the two can be compared
  if (sounding && sounding !== side && sounding.example === side.example) side.at = sounding.audio.currentTime;
  for (const other of sides) if (other !== side) other.audio.pause();
  side.audio.currentTime = side.at;
  side.audio.play().catch((error) => {
    if (error.name === "AbortError") return;
    side.fault.textContent = "The browser cannot play this file.";
    side.fault.hidden = false;
  });
}
function seek(side, event) {
  const box = side.view.getBoundingClientRect();
  side.at = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.999) * length(side);
  side.audio.currentTime = side.at;
  show(side);
}
function choose(example, part) {
  for (const chip of example.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", String(chip.dataset.part === part));
  for (const side of sides.filter((one) => one.example === example)) {
    const source = side.sources.find((one) => one.dataset.part === part);
    const was = !side.audio.paused;
    side.audio.pause();
    side.element.hidden = !source;
    if (!source) continue;
    side.audio.src = source.querySelector("a").getAttribute("href");
    side.image.src = source.dataset.picture || "data:,";
    side.role.textContent = source.dataset.role;
    side.fault.textContent = source.dataset.fault;
    side.fault.hidden = !source.dataset.fault;
    if (was) play(side);
    else show(side);
  }
}
for (const side of sides) {
  side.button.addEventListener("click", () => (side.audio.paused ? play(side) : side.audio.pause()));
  side.view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    side.view.setPointerCapture(event.pointerId);
    seek(side, event);
    if (side.audio.paused) {
      sounding = null;
      play(side);
    }
  });
  side.view.addEventListener("pointermove", (event) => event.buttons & 1 && seek(side, event));
  side.audio.addEventListener("play", () => {
    sounding = side;
    side.element.classList.add("playing");
    side.button.setAttribute("aria-pressed", "true");
    follow();
  });
  side.audio.addEventListener("pause", () => {
    if (sounding === side) sounding = null;
    side.element.classList.remove("playing");
    side.button.setAttribute("aria-pressed", "false");
    show(side);
  });
  side.audio.addEventListener("ended", () => {
    side.at = 0;
    show(side);
  });
}
for (const chip of document.querySelectorAll(".parts .chip")) {
  chip.addEventListener("click", () => choose(chip.closest(".example"), chip.dataset.part));
}

// What a figure is, by hovering, focus or a tap.
const telling = document.getElementById("telling");
function tell(figure) {
  telling.textContent = figure.dataset.about;
  telling.hidden = false;
  const box = figure.getBoundingClientRect();
  const own = telling.getBoundingClientRect();
  const left = Math.min(Math.max(14, box.left + box.width / 2 - own.width / 2), document.documentElement.clientWidth - own.width - 14);
  const above = box.top > own.height + 12;
  telling.style.left = `${left + scrollX}px`;
  telling.style.top = `${(above ? box.top - own.height - 8 : box.bottom + 8) + scrollY}px`;
}
function hush() {
  telling.hidden = true;
}
for (const figure of document.querySelectorAll(".figure")) {
  figure.removeAttribute("title");
  figure.addEventListener("pointerenter", () => tell(figure));
  figure.addEventListener("focus", () => tell(figure));
  figure.addEventListener("click", () => tell(figure));
  figure.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hush());
  figure.addEventListener("blur", hush);
}
document.addEventListener("keydown", (event) => event.key === "Escape" && hush());
for (const scroll of document.querySelectorAll(".scroll")) scroll.addEventListener("scroll", hush, { passive: true });

// Filters: pressed chips of one group widen the choice, the groups and the words narrow it.
document.documentElement.classList.add("script");
const rows = [...document.querySelectorAll(".findings tbody tr")];
const chips = [...document.querySelectorAll(".chip")];
const words = document.querySelector(".search input");
const said = document.querySelector(".search output");
const nothing = document.querySelector(".nothing");

function pressed(name) {
  return new Set(chips.filter((chip) => chip.dataset[name] && chip.ariaPressed === "true").map((chip) => chip.dataset[name]));
}
function filter() {
  const severities = pressed("severity");
  const kinds = pressed("kind");
  const wanted = words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const fits =
      (!severities.size || severities.has(row.dataset.severity)) &&
      (!kinds.size || kinds.has(row.dataset.kind)) &&
      wanted.every((word) => text.includes(word));
    row.hidden = !fits;
    shown += fits;
  }
  said.textContent = shown === rows.length ? `${shown} shown` : `${shown} of ${rows.length} shown`;
  nothing.hidden = shown > 0;
}
for (const chip of chips) {
  chip.addEventListener("click", () => {
    chip.ariaPressed = String(chip.ariaPressed !== "true");
    filter();
  });
}
if (words) {
  words.addEventListener("input", filter);
  filter();
}

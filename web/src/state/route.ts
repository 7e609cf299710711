/** Which piece the address names: /?piece=ID, or none for the start page. */

import { signal } from "@preact/signals";

const named = () => new URLSearchParams(location.search).get("piece");

export const route = signal<string | null>(named());

export function goTo(id: string | null): void {
  if (id === route.value) return;
  history.pushState(null, "", id ? `/?piece=${encodeURIComponent(id)}` : "/");
  route.value = id;
}

window.addEventListener("popstate", () => {
  route.value = named();
});

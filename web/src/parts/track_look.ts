/** A track's name and colour; the letter tells tracks apart where colours do not. */

const COLOURS = ["--lane-1", "--lane-2", "--lane-3", "--lane-4"];

export const nameOf = (track: string): string => track.charAt(0).toUpperCase() + track.slice(1).replaceAll("_", " ");
export const letterOf = (track: string): string => track.charAt(0).toUpperCase();
export const colourOf = (tracks: readonly string[], track: string): string =>
  `var(${COLOURS[tracks.indexOf(track) % COLOURS.length] ?? COLOURS[0]})`;

/** "bass, drums and melody" */
export function listed(tracks: readonly string[]): string {
  if (tracks.length < 2) return tracks.join("");
  return `${tracks.slice(0, -1).join(", ")} and ${tracks[tracks.length - 1]}`;
}

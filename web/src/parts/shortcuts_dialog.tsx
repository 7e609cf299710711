/** The keys, and where to begin. */

import { Dialog } from "./dialog";

const KEYS = [
  ["Space", "play or pause"],
  ["Home", "back to the start"],
  ["← →", "a beat back or on; with Shift, mark a span"],
  ["L", "loop the marked span, or all"],
  ["Escape", "unmark the span"],
  ["1 … 4", "go to a track"],
  ["G", "generate or remake the track one is in"],
  ["K · X", "keep it · leave it out"],
  ["M · S", "mute it · hear it alone"],
  ["A", "generate the rest"],
  ["Ctrl+Z · Ctrl+Y", "undo and redo the choice of takes"],
  ["+ · −", "zoom"],
  ["?", "this page"],
] as const;

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="How it goes" onClose={onClose}>
      <ol class="how">
        <li>Compose: all tracks are made together from the prompt.</li>
        <li>Listen. Keep the tracks you like (the lock), then make the rest: it will fit what you kept.</li>
        <li>Make several takes of a track and switch between them while it plays. Drag over a lane to remake just that part.</li>
        <li>Export the stems, the mix, or a project for your DAW.</li>
      </ol>
      <table class="keys">
        <caption class="unseen">Keys</caption>
        <tbody>
          {KEYS.map(([key, what]) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}

/** The open piece. */

import { dropped, bringAll } from "../state/uploads";
import { isMissing, piece } from "../state/piece";
import { goTo } from "../state/route";
import { AlignmentDialog } from "./alignment_dialog";
import { Composer } from "./composer";
import { Timeline } from "./timeline";
import { Transport } from "./transport";

export function StudioPage() {
  if (isMissing.value) {
    return (
      <main class="missing">
        <h1>There is no such piece</h1>
        <p>It was deleted, or it belongs to another key.</p>
        <button type="button" class="quiet" onClick={() => goTo(null)}>
          Begin another
        </button>
      </main>
    );
  }
  if (!piece.value) {
    return (
      <main class="opening" aria-busy="true">
        <p>Opening the piece …</p>
      </main>
    );
  }
  const first = dropped.value[0];
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    bringAll([...(event.dataTransfer?.files ?? [])]);
  };
  return (
    <main class="studio" onDragOver={(event) => event.preventDefault()} onDrop={onDrop}>
      <h1 class="unseen">Studio</h1>
      <Composer />
      <Timeline />
      <Transport />
      {first && <AlignmentDialog key={first.file.name + first.track} which={first} />}
    </main>
  );
}

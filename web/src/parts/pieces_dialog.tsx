/** All compositions: open, rename, duplicate, delete. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type PieceSummary } from "../api/client";
import { noticeLoss } from "../state/connection";
import { tellFault } from "../state/notices";
import { piece, refresh, titleOf } from "../state/piece";
import { goTo, route } from "../state/route";
import { Dialog } from "./dialog";
import { since } from "./since";

const PAGE = 50;

export function PiecesDialog({ onClose }: { onClose: () => void }) {
  const pieces = useSignal<readonly PieceSummary[]>([]);
  const isWhole = useSignal(false);
  const isLoaded = useSignal(false);

  const attempt = async (what: string, call: () => Promise<void>) => {
    try {
      await call();
    } catch (fault) {
      if (noticeLoss(fault) && !isLoaded.value) return;
      tellFault(what, fault);
    }
  };
  const load = (after?: string) =>
    attempt("The pieces cannot be listed", async () => {
      const page = await api.pieces(after);
      pieces.value = after ? [...pieces.value, ...page] : page;
      isWhole.value = page.length < PAGE;
      isLoaded.value = true;
    });
  useEffect(() => void load(), []);

  const rename = (id: string, name: string) =>
    attempt("It was not renamed", async () => {
      const changed = await api.change(id, { name });
      pieces.value = pieces.value.map((each) => (each.id === id ? { ...each, name: changed.name } : each));
      if (piece.value?.id === id) await refresh();
    });
  const duplicate = (id: string) =>
    attempt("It was not copied", async () => {
      const copy = await api.duplicate(id);
      pieces.value = [copy, ...pieces.value];
    });
  const remove = (id: string) =>
    attempt("It was not deleted", async () => {
      await api.remove(id);
      pieces.value = pieces.value.filter((each) => each.id !== id);
      if (route.value === id) goTo(null);
    });
  return (
    <Dialog title="Pieces" onClose={onClose} wide>
      {isLoaded.value && pieces.value.length === 0 && <p>There are none yet.</p>}
      <ul class="pieces">
        {pieces.value.map((each) => (
          <Row key={each.id} piece={each} onOpen={() => (goTo(each.id), onClose())} onRename={(name) => rename(each.id, name)} onDuplicate={() => duplicate(each.id)} onRemove={() => remove(each.id)} />
        ))}
      </ul>
      {!isWhole.value && isLoaded.value && (
        <button type="button" class="quiet" onClick={() => void load(pieces.value[pieces.value.length - 1]?.id)}>
          Show more
        </button>
      )}
    </Dialog>
  );
}

interface RowProps {
  piece: PieceSummary;
  onOpen: () => void;
  onRename: (name: string) => void;
  onDuplicate: () => void;
  onRemove: () => void;
}

function Row({ piece: each, onOpen, onRename, onDuplicate, onRemove }: RowProps) {
  const mode = useSignal<"shown" | "renamed" | "removed">("shown");
  const title = titleOf(each);
  const save = (event: Event) => {
    event.preventDefault();
    onRename(new FormData(event.currentTarget as HTMLFormElement).get("name") as string);
    mode.value = "shown";
  };
  return (
    <li>
      {mode.value === "renamed" ? (
        <form class="row" onSubmit={save}>
          <input name="name" aria-label={`New name of ${title}`} maxLength={200} value={each.name || title} autofocus ref={(input) => input?.select()} />
          <button type="submit" class="small">
            Save
          </button>
        </form>
      ) : (
        <div class="row">
          <a href={`/?piece=${each.id}`} class="title" onClick={(event) => (event.preventDefault(), onOpen())}>
            <b>{title}</b>
            <small>
              {each.name && each.prompt ? `${each.prompt}, ` : ""}
              {each.tempo_bpm ? `${Math.round(each.tempo_bpm)} bpm, ` : ""}
              {Math.round(each.duration_s)} s, {since(each.created_at)}
            </small>
          </a>
          {mode.value === "removed" ? (
            <>
              <span class="fine">Delete it with all its takes?</span>
              <button type="button" class="small danger" aria-label={`Delete ${title} for good`} onClick={onRemove}>
                Delete
              </button>
              <button type="button" class="small" onClick={() => (mode.value = "shown")}>
                Keep it
              </button>
            </>
          ) : (
            <>
              <button type="button" class="small" aria-label={`Rename ${title}`} onClick={() => (mode.value = "renamed")}>
                Rename
              </button>
              <button type="button" class="small" aria-label={`Duplicate ${title}`} onClick={onDuplicate}>
                Duplicate
              </button>
              <button type="button" class="small" aria-label={`Delete ${title}`} onClick={() => (mode.value = "removed")}>
                Delete
              </button>
            </>
          )}
        </div>
      )}
    </li>
  );
}

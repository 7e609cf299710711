/** The studio: the page of the address, and the windows over it. */

import { effect, untracked, useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { Notices } from "./parts/notices";
import { PiecesDialog } from "./parts/pieces_dialog";
import { onKey } from "./parts/shortcuts";
import { ShortcutsDialog } from "./parts/shortcuts_dialog";
import { SignInDialog } from "./parts/sign_in_dialog";
import { StartPage } from "./parts/start_page";
import { StudioPage } from "./parts/studio_page";
import { TopBar } from "./parts/top_bar";
import { openParts } from "./state/making";
import { signInWanted } from "./state/notices";
import { leave, open, piece } from "./state/piece";
import { route } from "./state/route";
import { dress, openView } from "./state/view";
import "./styles.css";

function Studio() {
  const shown = useSignal<"pieces" | "help" | null>(null);
  const close = () => (shown.value = null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const help = () => (shown.value = "help");
      if (piece.value && onKey(event, help)) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  return (
    <>
      <TopBar onPieces={() => (shown.value = "pieces")} onHelp={() => (shown.value = "help")} />
      {route.value ? <StudioPage /> : <StartPage onPieces={() => (shown.value = "pieces")} />}
      {shown.value === "pieces" && <PiecesDialog onClose={close} />}
      {shown.value === "help" && <ShortcutsDialog onClose={close} />}
      {signInWanted.value && <SignInDialog />}
      <Notices />
    </>
  );
}

async function arrive(id: string | null): Promise<void> {
  if (!id) {
    await leave();
    return;
  }
  openView(id);
  openParts(id);
  await open(id);
}

dress();
effect(() => {
  const id = route.value;
  untracked(() => void arrive(id));
});
const root = document.getElementById("studio")!;
root.replaceChildren();
render(<Studio />, root);

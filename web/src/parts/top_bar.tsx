/** Name of the piece, and what concerns more than it. */

import { change, piece, titleOf } from "../state/piece";
import { goTo } from "../state/route";
import { setTheme, theme } from "../state/view";
import { ExportMenu } from "./export_menu";
import { Icon } from "./icons";

const NEXT = { system: "light", light: "dark", dark: "system" } as const;

export function TopBar({ onPieces, onHelp }: { onPieces: () => void; onHelp: () => void }) {
  const open = piece.value;
  return (
    <header class="top">
      <a class="logo" href="/" aria-label="Stemwright: begin a new piece" onClick={(event) => (event.preventDefault(), goTo(null))}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <g stroke-width="3.6" stroke-linecap="round" fill="none">
            <path d="M5 12v8" stroke="var(--lane-1)" />
            <path d="M12 6v20" stroke="var(--lane-2)" />
            <path d="M19 9.5v13" stroke="var(--lane-3)" />
            <path d="M26 13.5v5" stroke="var(--lane-4)" />
          </g>
        </svg>
        <span class="wide-only">Stemwright</span>
      </a>
      {open ? (
        <input class="name" aria-label="Name of the piece" value={open.name} placeholder={titleOf(open)} maxLength={200} onInput={(event) => change({ name: event.currentTarget.value })} />
      ) : (
        <span class="gap" />
      )}
      <nav aria-label="Studio">
        {open && (
          <button type="button" class="quiet" onClick={() => goTo(null)}>
            New
          </button>
        )}
        <button type="button" class="quiet" onClick={onPieces}>
          <Icon name="pieces" /> <span class="wide-word">Pieces</span>
        </button>
        <ExportMenu />
        <button type="button" class="plain" aria-label={`Colours: ${theme.value}`} title={`Colours: ${theme.value}`} onClick={() => setTheme(NEXT[theme.value])}>
          <Icon name="light" />
        </button>
        <button type="button" class="plain" aria-label="Help and keys" title="Help and keys (?)" onClick={onHelp}>
          <Icon name="help" />
        </button>
      </nav>
    </header>
  );
}

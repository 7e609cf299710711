/** The piece as files. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { exportOf, mixOf } from "../api/client";
import { chosen, piece, titleOf } from "../state/piece";
import { Icon } from "./icons";

export function ExportMenu() {
  const isOpen = useSignal(false);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !frame.current?.contains(event.target as Node)) isOpen.value = false;
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("keydown", close);
    };
  }, []);
  const open = piece.value;
  if (!open) return null;
  const isEmpty = Object.keys(chosen.value).length === 0;
  const name = titleOf(open).replace(/[^\w-]+/g, "-").slice(0, 60);
  const files = [
    ["Stems and mix (zip)", exportOf(open.id, "zip"), `${name}.zip`],
    ["Mix as WAV", mixOf(open.id, "wav"), `${name}.wav`],
    ["Mix as FLAC", mixOf(open.id, "flac"), `${name}.flac`],
    ["Mix as OGG", mixOf(open.id, "ogg"), `${name}.ogg`],
    ["DAWproject (Bitwig, Cubase, Studio One)", exportOf(open.id, "dawproject"), `${name}.dawproject`],
  ] as const;
  return (
    <div class="menu" ref={frame}>
      <button type="button" class="quiet" aria-expanded={isOpen.value} aria-controls="exports" disabled={isEmpty} title={isEmpty ? "There is no take to export yet" : "Save as files"} onClick={() => (isOpen.value = !isOpen.value)}>
        <Icon name="save" /> <span class="wide-word">Export</span>
      </button>
      {isOpen.value && (
        <ul id="exports" class="menu-list">
          {files.map(([label, address, file]) => (
            <li key={label}>
              <a href={address} download={file} onClick={() => (isOpen.value = false)}>
                {label}
              </a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

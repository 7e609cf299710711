/** A take's waveform, from the server's peaks. */

import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import WaveSurfer from "wavesurfer.js";
import { api } from "../api/client";
import { noticeLoss, onReturn } from "../state/connection";
import { dressed } from "../state/view";

const BINS = 4096;
const PADDING = 0.92;

const drawn = new Map<string, Promise<number[][]>>();
/** The loudest of what is shown: all lanes are drawn to one scale. */
const loudest = signal(0.05);
const returned = signal(0);
onReturn(() => (returned.value += 1));

function peaksOf(takeId: string): Promise<number[][]> {
  let peaks = drawn.get(takeId);
  if (!peaks) {
    peaks = api.peaks(takeId, BINS);
    peaks.catch(() => drawn.delete(takeId));
    drawn.set(takeId, peaks);
  }
  return peaks;
}

interface Props {
  takeId: string;
  durationS: number;
  colour: string;
  label: string;
  width: number;
}

export function Waveform({ takeId, durationS, colour, label, width }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const wave = useRef<WaveSurfer | null>(null);

  useEffect(() => {
    const host = frame.current!;
    const made = WaveSurfer.create({
      container: host,
      height: "auto",
      interact: false,
      cursorWidth: 0,
      hideScrollbar: true,
      sampleRate: 48_000,
    });
    wave.current = made;
    const stop = effect(() => {
      dressed.value;
      made.setOptions({ waveColor: ink(host), barHeight: PADDING / loudest.value });
    });
    return () => {
      stop();
      wave.current = null;
      made.destroy();
    };
  }, [colour]);

  useEffect(() => {
    let isWanted = true;
    peaksOf(takeId).then(
      (peaks) => {
        if (!isWanted || !wave.current || !frame.current) return;
        const [low, high] = [peaks.map(([least]) => -least!), peaks.map(([, most]) => most!)];
        loudest.value = Math.max(loudest.peek(), ...high.map(Math.abs), ...low.map(Math.abs));
        wave.current.setOptions({ waveColor: ink(frame.current) });
        void wave.current.load("", [high, low], durationS);
      },
      (fault) => noticeLoss(fault),
    );
    return () => {
      isWanted = false;
    };
  }, [takeId, durationS, colour, returned.value]);

  return <div ref={frame} class="waveform" role="img" aria-label={label} style={{ width: `${width}px`, color: colour }} />;
}

const ink = (element: HTMLElement) => getComputedStyle(element).color;

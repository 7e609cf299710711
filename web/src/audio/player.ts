/** Plays stems sample for sample together: every source starts on the same tick of one clock. */

import { signal } from "@preact/signals";
import type { Lane } from "../api/client";
import type { Span } from "../state/grid";

const AHEAD_S = 0.03;
/** Between two takes; long enough to hide the step, too short to be heard as a fade. */
const FADE_S = 0.008;
const TURN_S = 0.015;

interface Source {
  node: AudioBufferSourceNode;
  envelope: GainNode;
}

class Strip {
  private readonly level: GainNode;
  private readonly left: GainNode;
  private readonly right: GainNode;
  readonly input: ChannelSplitterNode;
  source: Source | null = null;
  audio: AudioBuffer | null = null;

  constructor(context: BaseAudioContext, output: AudioNode) {
    this.input = context.createChannelSplitter(2);
    this.left = context.createGain();
    this.right = context.createGain();
    const merger = context.createChannelMerger(2);
    this.level = context.createGain();
    this.input.connect(this.left, 0).connect(merger, 0, 0);
    this.input.connect(this.right, 1).connect(merger, 0, 1);
    merger.connect(this.level).connect(output);
  }

  /** The same balance as the server's mix. */
  set(lane: Lane, isHeard: boolean, now: number): void {
    const gain = isHeard ? 10 ** (lane.gain_db / 20) : 0;
    this.level.gain.setTargetAtTime(gain, now, TURN_S / 3);
    this.left.gain.setTargetAtTime(Math.min(1, 1 - lane.pan), now, TURN_S / 3);
    this.right.gain.setTargetAtTime(Math.min(1, 1 + lane.pan), now, TURN_S / 3);
  }
}

export class Player {
  readonly isPlaying = signal(false);
  /** Where it stands while it does not play. */
  readonly restS = signal(0);
  readonly meters: readonly [AnalyserNode, AnalyserNode];

  private readonly context: AudioContext;
  private readonly mix: GainNode;
  private readonly strips = new Map<string, Strip>();
  private startedAt = 0;
  private startedFromS = 0;
  private loop: Span | null = null;
  private timer = 0;

  constructor(
    readonly rateHz: number,
    private readonly durationS: number,
  ) {
    this.context = new AudioContext({ sampleRate: rateHz, latencyHint: "interactive" });
    this.mix = this.context.createGain();
    this.mix.connect(this.context.destination);
    const splitter = this.context.createChannelSplitter(2);
    this.mix.connect(splitter);
    const meter = (channel: number) => {
      const analyser = new AnalyserNode(this.context, { fftSize: 2048, smoothingTimeConstant: 0 });
      splitter.connect(analyser, channel);
      return analyser;
    };
    this.meters = [meter(0), meter(1)];
  }

  /** Gain, pan, and whether it is heard at all. */
  setLane(track: string, lane: Lane, isHeard: boolean): void {
    this.strip(track).set(lane, isHeard, this.context.currentTime);
  }

  /** What sounds in a track from now on; while it plays, the old one gives way without a gap. */
  setStem(track: string, audio: AudioBuffer | null): void {
    const strip = this.strip(track);
    if (strip.audio === audio) return;
    strip.audio = audio;
    if (this.isPlaying.value) this.exchange(strip);
  }

  async play(fromS: number = this.restS.value): Promise<void> {
    if (this.context.state !== "running") await this.context.resume();
    this.silence();
    const startS = fromS >= this.durationS - 1e-3 ? 0 : fromS;
    this.startedFromS = this.loop && startS >= this.loop.endS ? this.loop.startS : startS;
    this.startedAt = this.context.currentTime + AHEAD_S;
    this.isPlaying.value = true;
    for (const strip of this.strips.values()) this.start(strip, this.startedAt);
    this.timer = window.setInterval(() => this.stopAtEnd(), 50);
  }

  pause(): void {
    if (!this.isPlaying.value) return;
    this.restS.value = this.nowS();
    this.silence();
  }

  seek(toS: number): void {
    const place = Math.min(Math.max(0, toS), this.durationS);
    this.restS.value = place;
    if (this.isPlaying.value) void this.play(place);
  }

  /** Round and round in a span, from its next pass on; null plays to the end. */
  setLoop(span: Span | null): void {
    if (span?.startS === this.loop?.startS && span?.endS === this.loop?.endS) return;
    const wasAtS = this.nowS();
    this.loop = span;
    if (this.isPlaying.value) void this.play(span && wasAtS >= span.endS ? span.startS : wasAtS);
  }

  /** Seconds into the piece, as heard now. */
  nowS(): number {
    return this.isPlaying.value ? this.placeAt(this.context.currentTime) : this.restS.value;
  }

  /** Seconds that the clock has run, whatever is played: it never stands still while playing. */
  get clockS(): number {
    return this.context.currentTime;
  }

  async close(): Promise<void> {
    this.silence();
    await this.context.close();
  }

  private placeAt(time: number): number {
    const place = this.startedFromS + Math.max(0, time - this.startedAt);
    if (!this.loop || place < this.loop.endS) return Math.min(place, this.durationS);
    const length = this.loop.endS - this.loop.startS;
    return this.loop.startS + ((place - this.loop.startS) % length);
  }

  private strip(track: string): Strip {
    let strip = this.strips.get(track);
    if (!strip) {
      strip = new Strip(this.context, this.mix);
      this.strips.set(track, strip);
    }
    return strip;
  }

  private start(strip: Strip, at: number, fadeS = 0): void {
    if (!strip.audio) return;
    const node = new AudioBufferSourceNode(this.context, { buffer: strip.audio });
    const envelope = this.context.createGain();
    if (this.loop) [node.loop, node.loopStart, node.loopEnd] = [true, this.loop.startS, this.loop.endS];
    if (fadeS > 0) {
      envelope.gain.setValueAtTime(0, at);
      envelope.gain.linearRampToValueAtTime(1, at + fadeS);
    }
    node.connect(envelope).connect(strip.input);
    node.start(at, this.placeAt(at));
    strip.source = { node, envelope };
  }

  private exchange(strip: Strip): void {
    const at = Math.max(this.context.currentTime + AHEAD_S, this.startedAt);
    const old = strip.source;
    strip.source = null;
    this.start(strip, at, FADE_S);
    if (!old) return;
    old.envelope.gain.setValueAtTime(1, at);
    old.envelope.gain.linearRampToValueAtTime(0, at + FADE_S);
    old.node.stop(at + FADE_S);
  }

  private silence(): void {
    clearInterval(this.timer);
    const now = this.context.currentTime;
    for (const strip of this.strips.values()) {
      const { source } = strip;
      strip.source = null;
      if (!source) continue;
      source.envelope.gain.cancelScheduledValues(now);
      source.envelope.gain.setValueAtTime(1, now);
      source.envelope.gain.linearRampToValueAtTime(0, now + FADE_S);
      source.node.stop(now + FADE_S);
    }
    this.isPlaying.value = false;
  }

  private stopAtEnd(): void {
    if (this.loop || this.nowS() < this.durationS - 1e-3) return;
    this.silence();
    this.restS.value = 0;
  }
}

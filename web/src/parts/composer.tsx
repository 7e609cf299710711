/** What is asked of the model: prompt, tempo, how closely to fit, how many takes, and go. */

import { useSignal } from "@preact/signals";
import { generate, isBusy, ofTrack } from "../state/generations";
import { spanName } from "../state/grid";
import { asked, givenFor, guidanceScale, guidanceWords, rest, rewritable, settings, USUAL } from "../state/making";
import { change, chosen, grid, model, models, piece } from "../state/piece";
import { span } from "../state/view";
import { Icon } from "./icons";
import { listed } from "./track_look";

const SOLVERS = ["dpmpp_2m", "ddim", "ddpm"] as const;
const SOLVER_WORDS = { dpmpp_2m: "DPM-Solver++ 2M (few steps)", ddim: "DDIM", ddpm: "DDPM (many steps)" };

export function Composer() {
  const isOpen = useSignal(false);
  const prompt = piece.value?.prompt ?? "";
  return (
    <section class="composer" aria-label="Generate">
      <label class="prompt">
        <span>Prompt</span>
        <textarea
          rows={2}
          value={prompt}
          placeholder="slow blues, slide guitar, melancholic"
          maxLength={2000}
          onInput={(event) => change({ prompt: event.currentTarget.value })}
        />
      </label>
      <div class="dials">
        <Tempo />
        <Guidance />
        <label class="field">
          <span>Takes each</span>
          <select value={settings.value.candidates} onChange={(event) => (settings.value = { ...settings.value, candidates: Number(event.currentTarget.value) })}>
            {[1, 2, 3, 4, 6, 8].map((count) => (
              <option key={count} value={count}>
                {count}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="quiet" aria-expanded={isOpen.value} aria-controls="advanced" onClick={() => (isOpen.value = !isOpen.value)}>
          Advanced
        </button>
      </div>
      <Go />
      {isOpen.value && <Advanced />}
    </section>
  );
}

function Tempo() {
  const tempo = piece.value?.tempo_bpm ?? null;
  return (
    <label class="field">
      <span>Tempo</span>
      <input
        type="number"
        min={20}
        max={400}
        step={1}
        value={tempo ?? ""}
        placeholder="any"
        onChange={(event) => {
          const asked = Number(event.currentTarget.value);
          if (asked >= 20 && asked <= 400) change({ tempo_bpm: asked });
          else event.currentTarget.value = tempo === null ? "" : String(tempo);
        }}
      />
    </label>
  );
}

function Guidance() {
  const scale = guidanceScale.value;
  const usual = model.value?.guidance_scale ?? 1;
  return (
    <label class="field guidance">
      <span>
        Fit: <b>{guidanceWords(scale)}</b>
        {settings.value.guidanceScale === null ? " (as tuned)" : ""}
      </span>
      <input
        type="range"
        min={0}
        max={5}
        step={0.1}
        value={scale}
        aria-label="Guidance scale"
        aria-valuetext={`${scale.toFixed(1)}: ${guidanceWords(scale)}`}
        title={`λ = ${scale.toFixed(1)}; the model was tuned for ${usual}. Double-click to go back to it.`}
        onInput={(event) => (settings.value = { ...settings.value, guidanceScale: Number(event.currentTarget.value) })}
        onDblClick={() => (settings.value = { ...settings.value, guidanceScale: null })}
      />
    </label>
  );
}

function Go() {
  const canRewrite = Boolean(span.value && model.value?.rewrites && rewritable.value.length);
  const targets = canRewrite ? rewritable.value : rest.value;
  const given = givenFor(targets);
  const isWaiting = targets.some((track) => ofTrack(track));
  const part = canRewrite ? span.value : null;
  const anew = targets.some((track) => chosen.value[track]);
  const verb = part ? `Remake ${spanName(grid.value, part)} of` : anew ? "Remake" : "Generate";
  const all = targets.length === piece.value?.tracks.length;
  return (
    <button type="button" class="go" disabled={targets.length === 0 || isWaiting} onClick={() => void generate(asked(targets, part))}>
      <Icon name="make" />
      <span>
        <b>{targets.length === 0 ? "Every track is kept or left out" : `${verb} ${all ? `all ${targets.length} tracks` : listed(targets)}`}</b>
        <small>{isWaiting || isBusy.value ? "in the making …" : given.length ? `to fit ${listed(given)}` : all && anew ? "keep what you like first, and only the rest is made" : "together, from the prompt"}</small>
      </span>
    </button>
  );
}

function Advanced() {
  const facts = model.value;
  /** A piece can go on with any model of its own tracks. */
  const others = models.value.filter(
    (each) => each.tracks.join() === facts?.tracks.join() && each.sample_rate_hz === facts.sample_rate_hz,
  );
  const set = (part: Partial<typeof settings.value>) => (settings.value = { ...settings.value, ...part });
  const number = (text: string): number | null => (text.trim() === "" ? null : Number(text));
  return (
    <div class="advanced" id="advanced">
      {others.length > 1 && (
        <label class="field">
          <span>Model</span>
          <select value={facts?.uri} onChange={(event) => change({ model_uri: event.currentTarget.value })}>
            {others.map((each) => (
              <option key={each.uri}>{each.uri}</option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        <span>Steps</span>
        <input type="number" min={1} max={1000} value={settings.value.steps ?? ""} placeholder={`${facts?.steps ?? ""}`} onChange={(event) => set({ steps: number(event.currentTarget.value) })} />
      </label>
      <label class="field">
        <span>Solver</span>
        <select value={settings.value.solver ?? ""} onChange={(event) => set({ solver: (event.currentTarget.value || null) as typeof settings.value.solver })}>
          <option value="">{facts ? `the model's: ${SOLVER_WORDS[facts.solver]}` : "the model's"}</option>
          {SOLVERS.map((solver) => (
            <option key={solver} value={solver}>
              {SOLVER_WORDS[solver]}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Seed</span>
        <input type="number" min={0} max={Number.MAX_SAFE_INTEGER} value={settings.value.seed ?? ""} placeholder="new each time" onChange={(event) => set({ seed: number(event.currentTarget.value) })} />
      </label>
      <label class="field">
        <span>Text guidance</span>
        <input type="number" min={0} max={20} step={0.1} value={settings.value.textGuidance ?? ""} placeholder={`${facts?.text_guidance ?? 1} (1 is off)`} onChange={(event) => set({ textGuidance: number(event.currentTarget.value) })} />
      </label>
      <button type="button" class="quiet" onClick={() => (settings.value = USUAL)}>
        As the model was tuned
      </button>
      {facts && (
        <p class="fine">
          Model {facts.version || facts.uri}, {facts.sample_rate_hz / 1000} kHz
        </p>
      )}
    </div>
  );
}

/** A small slider with its value; double-click brings it back to nought. */

interface Props {
  label: string;
  short: string;
  min: number;
  max: number;
  step: number;
  value: number;
  unit?: string;
  words?: (value: number) => string;
  onInput: (value: number) => void;
}

export function Knob({ label, short, min, max, step, value, unit, words, onInput }: Props) {
  const text = words ? words(value) : `${value > 0 ? "+" : ""}${value.toFixed(1)} ${unit ?? ""}`.trim();
  return (
    <label class="knob" title={`${short}: ${text}. Double-click for none.`}>
      <span aria-hidden="true">{short}</span>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-label={label}
        aria-valuetext={text}
        onInput={(event) => onInput(Number(event.currentTarget.value))}
        onDblClick={() => onInput(0)}
      />
      <output aria-hidden="true">{words ? text.replace("centre", "C").replace(" left", "L").replace(" right", "R") : value.toFixed(1)}</output>
    </label>
  );
}

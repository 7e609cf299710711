"""The README that goes with a checkpoint."""

import json
from collections.abc import Mapping
from typing import Any

from stemwright.presets import Preset


def model_card(preset: Preset, origin: Mapping[str, Any]) -> str:
    """Markdown: what the model is, what it was trained on, what it must be used with."""
    facts = "\n".join(f"| {name} | {_cell(value)} |" for name, value in origin["facts"].items())
    gains = ", ".join(
        f"{name} {gain:+.1f} dB" for name, gain in zip(preset.tracks.names, origin["gains_db"], strict=True)
    )
    return f"""# Stemwright model, preset {preset.name}

A latent diffusion model over the tracks {", ".join(preset.tracks.names)} (JEN-1 Composer): any of them
from text and from the others.

| needs | |
|---|---|
| codec | {origin["codec"]} `{origin["codec_fingerprint"][:12]}` |
| text encoder | {origin["text_encoder"]} `{origin["text_encoder_fingerprint"][:12]}` |

| default at inference | |
|---|---|
| guidance scale λ | {preset.sampling.guidance_scale} |
| text guidance | {preset.sampling.text_scale} |
| steps, solver | {preset.sampling.num_steps}, {preset.sampling.solver} |

| trained | |
|---|---|
{facts}

Median gain of the corpus to {origin["loudness_lufs"]} LUFS: {gains}.
"""


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

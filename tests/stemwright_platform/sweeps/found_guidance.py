"""Findings of a sweep of the guidance scale, as if measured, for what is written of them."""

import numpy as np

from stemwright_platform.sweeps.guidance_choice import choose_scale, refusals
from stemwright_platform.sweeps.guidance_findings import Findings
from stemwright_platform.sweeps.guidance_line import mean_line, resampled
from stemwright_platform.sweeps.guidance_scores import Cell, SplitCurve, overall

SCALES = (0.0, 1.0, 2.0, 7.0)
CLIPS = 12
COUNTS = resampled(CLIPS, 200)
BASS, DRUMS = "bass_given_drums_instrument_melody", "drums_given_bass_instrument_melody"


def curve(task: str, means: list[float], seed: int) -> SplitCurve:
    rng = np.random.default_rng(seed)
    clips = 0.2 * rng.standard_normal(CLIPS) + 0.02 * rng.standard_normal((len(SCALES), CLIPS))
    ends = [mean_line(at + 0.1 * rng.standard_normal((1, CLIPS)), COUNTS) for at in (0.0, 1.0)]
    return SplitCurve(
        task=task,
        line=mean_line(np.array(means)[:, None] + clips, COUNTS),
        bounds=(ends[0], ends[1]),
        cells=(Cell(score="onset_lock", part="bass|drums", floor=0.2, ceiling=2.4),),
        left_out=("chroma_agreement of bass|melody",),
    )


def found_guidance() -> Findings:
    """λ = 2 is best; λ = 7 is refused, and nobody measured its level."""
    curves = (curve(BASS, [0.0, 0.4, 0.8, 0.7], 1), curve(DRUMS, [0.1, 0.5, 0.7, 0.9], 2))
    spreads = {task: [1.2, 1.0, 0.7, 0.1] for task in (BASS, DRUMS)}
    refused = refusals(SCALES, spreads, {})
    return Findings(
        by="coherence",
        label="coherence of the stems",
        better="higher",
        scales=SCALES,
        splits=curves,
        overall=overall(curves),
        flat={"joint": mean_line(np.full((1, CLIPS), 0.3), COUNTS)},
        spreads=spreads,
        levels_db={BASS: [1.0, 0.0, 0.5, float("nan")]},
        frechet=mean_line(np.array([9.0, 7.0, 6.0, 12.0])[:, None] + np.linspace(0, 1, CLIPS), COUNTS),
        choice=choose_scale(SCALES, overall(curves), refused=refused),
        clips=CLIPS,
        takes=2,
        ceiling="round_trip",
        facts={"model": "runs/first"},
    )

"""Other systems' outputs as clips to score, beside the model's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stemwright.tracks import Tracks
from stemwright_platform.evaluation.baselines.baseline import BaselineClip, read_baseline
from stemwright_platform.evaluation.baselines.separation import part_mixes
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import MIX
from stemwright_platform.evaluation.clip_scoring import ScoreItem
from stemwright_platform.evaluation.task_name import JOINT


def baseline_items(
    baselines: Mapping[str, Path],
    clips: Sequence[Clip],
    tracks: Tracks,
    out: Path,
    *,
    demucs_weights: str | None = None,
    jobs: int | None = 1,
) -> list[ScoreItem]:
    """Every clip of every system, by name; mixes are separated first (§5.1).

    A clip that has the name of one of ours was made for the same prompt; another has its prompt alone.
    InputError, naming the file, where one cannot be used, or where there is no prompt.
    """
    items = []
    for name, folder in baselines.items():
        kept = out / "baselines" / name
        found = read_baseline(folder, tracks, sums=kept / "sums")
        found = part_mixes(found, kept / "separated", weights=demucs_weights, jobs=jobs)
        items += [_item(name, each, clips) for each in found]
    return items


def _item(system: str, made: BaselineClip, clips: Sequence[Clip]) -> ScoreItem:
    counterpart = next((clip for clip in clips if clip.clip == made.name), None)
    sounds = dict(made.stems)
    if made.mix is not None:
        sounds[MIX] = made.mix
    return ScoreItem(
        system=system,
        task=JOINT,
        clip=counterpart or _of_prompt(made),
        targets=tuple(made.stems),
        given=(),
        sounds=sounds,
        folder=made.mix or next(iter(made.stems.values())),
    )


def _of_prompt(made: BaselineClip) -> Clip:
    """A clip of which nothing is known but its prompt."""
    return Clip(
        clip=made.name,
        song=made.name,
        start_s=0.0,
        duration_s=0.0,
        prompt=made.prompt or "",
        tracks=tuple(made.stems),
        tempo_bpm=None,
        key=None,
    )

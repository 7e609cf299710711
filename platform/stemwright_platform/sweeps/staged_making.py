"""What the rows of an ablation make: the same clips by every model, all tracks at once or stage by stage.

Axes: n audio sample.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from stemwright.compose import Composer
from stemwright.tasks import Task
from stemwright_platform.crew import done_by
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import write_clip
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice, request_of
from stemwright_platform.sweeps.ablation_row import Stages
from stemwright_platform.time_left import TimeLeft


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedItem:
    """A clip to be made by a model."""

    model: str
    """Checkpoint folder."""
    stages: Stages
    """Tracks in the order in which they are made."""
    clip: Clip
    folder: Path
    """Where the stems go."""


class StagedMaking:
    """What an actor does: an item → its folder, filled. Items of one model should come together."""

    def __init__(self, source: Source, choice: SamplingChoice, seed: int) -> None:
        """`source`: everything but the model."""
        self._source, self._choice, self._seed = source, choice, seed
        self._loaded: tuple[str, Composer] | None = None

    def __call__(self, item: StagedItem) -> None:
        if item.folder.exists():
            return
        composer = self._composer(item.model)
        stems = self.stems(composer, item.clip, item.stages)
        write_clip(item.folder, stems, composer.codec.sample_rate_hz)

    def stems(self, composer: Composer, clip: Clip, stages: Stages) -> dict[str, Tensor]:
        """Stems `[2, n]` of all stages: each hears those before it (Alg. 1), Eq. 6 guiding it."""
        tracks, made = composer.checkpoint.tracks, {}
        for stage in stages:
            task = Task(stage, tuple(made), tracks=tracks)
            request = request_of(clip, task, self._choice, self._seed)
            made |= composer.generate(request, made)
        return {name: made[name] for name in tracks.ordered([*made])}

    def _composer(self, model: str) -> Composer:
        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None  # two models at once would need twice the memory
            source = self._source
            composer = Composer.load(
                model,
                codec_weights=source.codec_weights,
                text_weights=source.text_weights,
                device=source.device,
            )
            self._loaded = model, composer
        return self._loaded[1]


def make_staged(
    items: Sequence[StagedItem], source: Source, choice: SamplingChoice, *, seed: int, jobs: int | None
) -> None:
    """Make what is not there yet. `jobs`: actors, 1 for this process alone, None for all CPUs."""
    left = [item for item in items if not item.folder.exists()]
    if not left:
        return
    progress = TimeLeft("making clips", len(left))
    for _ in done_by(StagedMaking(replace(source), choice, seed), left, jobs):
        progress.advance(1.0)
    progress.close()


def systems_of(items: Iterable[StagedItem]) -> dict[str, Path]:
    """The folders as evaluations take other systems' outputs: by name."""
    return {item.folder.parent.name: item.folder.parent for item in items}

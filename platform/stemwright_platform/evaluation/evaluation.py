"""An evaluation from a plan to its figures: sound, then scores by clip, each on any number of actors."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from stemwright.latent_dataset import LatentDataset
from stemwright.tasks import Task
from stemwright.tracks import Tracks
from stemwright_platform.evaluation.clip import Clip, ClipChoice, choose_clips
from stemwright_platform.evaluation.clip_crew import ClipCrew
from stemwright_platform.evaluation.clip_folder import MIX, clip_folder, sound_file
from stemwright_platform.evaluation.clip_score_table import ClipScoreWriter
from stemwright_platform.evaluation.clip_scoring import ClipScoring, ScoreItem, sounds_of
from stemwright_platform.evaluation.evaluation_plan import EvaluationPlan
from stemwright_platform.evaluation.feature_store import FeatureStore
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.making import MakeItem, Making
from stemwright_platform.evaluation.novelty import Novelty
from stemwright_platform.evaluation.reference_set import CorpusHearing, ReferenceSet
from stemwright_platform.evaluation.sound_group import sound_groups
from stemwright_platform.evaluation.systems import MODEL, System
from stemwright_platform.evaluation.tag_scoring import tag_scores
from stemwright_platform.evaluation.task_name import JOINT, named_tasks, task_name


class Evaluation:
    """The clips of a plan, and who makes and hears them."""

    def __init__(
        self,
        plan: EvaluationPlan,
        out: Path,
        tracks: Tracks,
        *,
        features: Path | None = None,
        jobs: int | None = 1,
    ) -> None:
        """`features`: where features are kept, OUT/features by default; `jobs`: actors, 1 for this process
        alone, None for as many as the cluster has CPUs. InputError where data or tasks do not fit."""
        self.plan, self.out = plan, out
        self._crew = ClipCrew(jobs=jobs, device=plan.source.device)
        dataset = LatentDataset(plan.source.data)
        self.clips: ClipChoice = choose_clips(
            dataset,
            plan.split,
            plan.clips,
            plan.duration_s,
            reference=plan.references,
            training=plan.training,
            seed=plan.seed,
        )
        self.tasks: tuple[Task, ...] = named_tasks(plan.tasks, tracks)
        self.store = FeatureStore(features or out / "features")

    @property
    def heard(self) -> System:
        """Whose files the model is given."""
        return "real" if self.plan.source.manifest else "round_trip"

    @property
    def references(self) -> tuple[System, ...]:
        """What the model is held against."""
        recorded: tuple[System, ...] = ("real",) if self.plan.source.manifest else ()
        return (*recorded, "round_trip", "shuffled", "untrained")

    def make(self) -> None:
        """All sound that is not there yet."""
        plan, clips = self.plan, self.clips.clips
        corpus = [
            MakeItem(system=system, task=JOINT, clip=clip) for clip in clips for system in self.references
        ]
        model = [
            MakeItem(system=MODEL, task=task_name(task), clip=clip) for clip in clips for task in self.tasks
        ]
        make = partial(Making, plan.source, str(self.out), plan.sampling, self.clips.pool, plan.seed)
        # the corpus first: a model's clip links to what it was given
        for label, items in (("references", corpus), ("generating", [*model, *self.retakes()])):
            missing = [item for item in items if not item.folder(self.out).exists()]
            for _ in self._crew.done(label, make, missing):
                pass

    def retakes(self) -> list[MakeItem]:
        """Other takes of the first clips, all tracks at once."""
        return [
            MakeItem(system=MODEL, task=JOINT, clip=clip, turn=turn)
            for clip in self.clips.clips[: self.plan.retakes]
            for turn in range(1, self.plan.takes)
        ]

    def score(self, items: Sequence[ScoreItem], hearing: Hearing, reference: ReferenceSet) -> None:
        """clip_scores.parquet, whole. `hearing`: by the embedders, in this process."""
        make = partial(ClipScoring, self.plan.features, self.store, self.plan.source.device)
        by_clip = defaultdict[str, list[ScoreItem]](list)
        for item in items:
            by_clip[item.clip.clip].append(item)
        with ClipScoreWriter(self.out) as table:
            for of_clip, found in self._crew.done("scoring", make, list(by_clip.values())):
                for item, scores in zip(of_clip, found, strict=True):
                    table.add(item.system, item.task, item.clip.clip, scores)
            for item, score in tag_scores(sound_groups(items), hearing, reference):
                table.add(item.system, item.task, item.clip.clip, [score])

    def reference(self) -> ReferenceSet:
        """What Fréchet distances are taken to."""
        make = partial(CorpusHearing, self.plan.source, self.plan.features, self.store)
        heard = self._crew.done("reference", make, self.clips.reference)
        return ReferenceSet.of(found for _, found in heard)

    def novelty(self, hearing: Hearing) -> Novelty | None:
        """What copies are looked for in; None where there are no two training songs."""
        make = partial(CorpusHearing, self.plan.source, self.plan.features, self.store, searching=True)
        heard = [*self._crew.done("training songs", make, self.clips.training)]
        if len({clip.song for clip, _ in heard}) < 2:
            return None
        return Novelty(hearing, [clip for clip, _ in heard], [found for _, found in heard])

    def takes(self) -> list[list[Path]]:
        """The mixes of all takes of each clip that has several."""
        of_clip = defaultdict[str, list[Path]](list)
        if JOINT not in {task_name(task) for task in self.tasks}:
            return []
        for item in self.retakes():
            first = replace(item, turn=0)
            of_clip[item.clip.clip] = of_clip[item.clip.clip] or [sound_file(first.folder(self.out), MIX)]
            of_clip[item.clip.clip].append(sound_file(item.folder(self.out), MIX))
        return [*of_clip.values()]

    def items(self) -> Iterator[ScoreItem]:
        """Every clip of every system as every task: rows that compare are of the same parts."""
        for clip in self.clips.clips:
            for task in self.tasks:
                for system in (MODEL, *self.references):
                    yield self._item(system, task, clip)

    def _item(self, system: System, task: Task, clip: Clip) -> ScoreItem:
        """What a system made of the targets, beside what the others are in truth, given or not."""
        name = task_name(task) if system == MODEL else JOINT
        made = clip_folder(self.out, system, name, clip.clip)
        real = clip_folder(self.out, self.heard if system != "shuffled" else system, JOINT, clip.clip)
        folders = {
            track: made if track in task.targets else real
            for track in task.tracks.names
            if track in clip.tracks or (system == MODEL and track in task.targets)
        }
        return ScoreItem(
            system=system,
            task=task_name(task),
            clip=clip,
            targets=tuple(track for track in task.targets if track in folders),
            given=tuple(track for track in task.given if track in folders),
            sounds=sounds_of(folders, mix=made if task.mode == JOINT else None),
            folder=made,
        )

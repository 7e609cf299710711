"""Which section of a report a score belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass

from stemwright_platform.evaluation.score_row import ScoreInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreGroup:
    """A section."""

    name: str
    heading: str
    about: str
    words: tuple[str, ...]
    """A score belongs here if its name holds one of these; the first group that claims it has it."""


GROUPS = (
    ScoreGroup(
        name="quality",
        heading="Distance to real music",
        about="Fréchet distances between what an embedding hears in a system's clips and in the reference "
        "set. Distances compare only within one embedding, one reference set and about the same n.",
        words=("frechet", "fad"),
    ),
    ScoreGroup(
        name="diversity",
        heading="Diversity and copying",
        about="Whether takes of one request differ, and whether anything comes nearer to a training clip "
        "than unseen real music does.",
        words=("diversity", "spread", "copy", "copie", "nearest", "neighbour"),
    ),
    ScoreGroup(
        name="text",
        heading="Agreement with the prompt",
        about="How well the sound of each track and of the mix fits the words of the prompt.",
        words=("clap", "tag_agreement", "text"),
    ),
    ScoreGroup(
        name="adherence",
        heading="Tempo and key asked for",
        about="Whether the prompt's tempo and key are heard.",
        words=("adherence",),
    ),
    ScoreGroup(
        name="fidelity",
        heading="What was given",
        about="Given tracks have to come back as they were, and must not sound through in what was made.",
        words=("given", "leakage"),
    ),
    ScoreGroup(
        name="coherence",
        heading="How the stems fit",
        about="Agreement of each pair of stems in rhythm and harmony. The floor is stems of different songs "
        "of the same tempo and key.",
        words=("lock", "agreement", "coherence", "cocola"),
    ),
    ScoreGroup(
        name="levels",
        heading="Levels",
        about="Silence, clipping and loudness.",
        words=("silen", "clip", "peak", "rms", "level", "loud", "dc", "edge", "jump"),
    ),
)
OTHERS = ScoreGroup(name="other", heading="Other scores", about="", words=())
ORDER = ("quality", "text", "coherence", "fidelity", "adherence", "levels", "diversity", "other")


def group_of(score: str) -> ScoreGroup:
    """The group that claims a score."""
    return next((group for group in GROUPS if any(word in score for word in group.words)), OTHERS)


def grouped(infos: Iterable[ScoreInfo]) -> list[tuple[ScoreGroup, list[ScoreInfo]]]:
    """Groups with their scores, in the order of a report; those without scores left out."""
    infos = list(infos)
    found = {
        group.name: (group, [info for info in infos if group_of(info.score).name == group.name])
        for group in (*GROUPS, OTHERS)
    }
    return [found[name] for name in ORDER if found[name][1]]

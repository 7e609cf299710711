"""The parts of an assessment, each a few figures about one thing."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from stemwright.errors import InputError
from stemwright_platform.assessment.context import Context
from stemwright_platform.assessment.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing that a model is held to."""

    name: str
    """As `--parts` has it."""
    title: str
    about: str
    """One or two sentences for a reader."""
    module: str
    """Of this folder."""
    function: str
    """In it: (context) → figures."""

    def measure(self, context: Context) -> list[Figure]:
        """Its figures. InputError for what a user can mend."""
        module = import_module(f"stemwright_platform.assessment.{self.module}")
        measured: Callable[[Context], list[Figure]] = getattr(module, self.function)
        return measured(context)


PARTS = (
    Part(
        name="coherence",
        title="Does it fit?",
        about="Each figure is the way gone from strangers of the same tempo and key, 0, to the song's own "
        "tracks, 1. One track is made anew, given the others.",
        module="coherence",
        function="coherence_figures",
    ),
    Part(
        name="frechet",
        title="Does it sound like the track it is?",
        about="Fréchet distances to real stems of other songs, between what real stems have and what the "
        "model had before it was trained.",
        module="frechet",
        function="frechet_figures",
    ),
    Part(
        name="tempo",
        title="Does it keep the tempo?",
        about="The tempo heard in the drums against the one that the prompt asks for.",
        module="tempo",
        function="tempo_figures",
    ),
    Part(
        name="instruments",
        title="Is it the instrument named?",
        about="One ear a track, taught on real stems of other songs, says what plays: in real stems, and in "
        "takes whose prompt names one instrument and nothing else.",
        module="prompted_families",
        function="family_figures",
    ),
    Part(
        name="prompt",
        title="Does another prompt change the sound?",
        about="Takes of two prompts by two seeds each: what the prompt changes, over what the seed changes.",
        module="prompt_change",
        function="change_figures",
    ),
    Part(
        name="copying",
        title="Is it new?",
        about="Takes are looked for among the training songs.",
        module="copying",
        function="copying_figures",
    ),
    Part(
        name="guidance",
        title="Is the default λ the best?",
        about="What a sweep of the guidance scale found.",
        module="guidance",
        function="guidance_figures",
    ),
    Part(
        name="sound",
        title="Is the sound whole?",
        about="Ends, peaks and clicks of takes of all tracks at once, rests that are silent, given tracks "
        "that come back as they were.",
        module="sound_faults",
        function="sound_figures",
    ),
    Part(
        name="speed",
        title="Is it fast?",
        about="As `stemwright compose` works, everything loaded before.",
        module="speed",
        function="speed_figures",
    ),
    Part(
        name="steps",
        title="Are the default steps the fewest?",
        about="The same windows, noise and prompts with few and many solver steps.",
        module="steps",
        function="steps_figures",
    ),
    Part(
        name="stems",
        title="What does it look like?",
        about="Takes beside the real stems of the same place: above the notes, of drums the strokes, with "
        "bar lines; below the spectrogram. Each track made to fit the real others, and all made together.",
        module="stem_pictures",
        function="stem_figures",
    ),
)


def chosen_parts(words: str | None) -> tuple[Part, ...]:
    """Parts by name, all of them for None, in their own order. InputError for another word."""
    if words is None:
        return PARTS
    wanted = [word.strip() for word in words.split(",") if word.strip()]
    known = [part.name for part in PARTS]
    if other := [word for word in wanted if word not in known]:
        raise InputError(f"--parts {other[0]}: choose from {', '.join(known)}")
    return tuple(part for part in PARTS if part.name in wanted)

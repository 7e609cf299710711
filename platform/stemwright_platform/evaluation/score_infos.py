"""What each score is called and says, in the order of a report."""

from collections.abc import Iterable

from stemwright_platform.evaluation.score_row import ScoreInfo

EARS = {
    "musicnn": "musicnn (3 s at 16 kHz)",
    "musicnn-msd": "musicnn of the Million Song Dataset (3 s at 16 kHz)",
    "vggish": "VGGish (0.96 s at 16 kHz, no PCA)",
    "clap": "CLAP (10 s at 48 kHz)",
}
"""Embeddings, and how long a patch they hear."""


def infos_of(scores: Iterable[str]) -> list[ScoreInfo]:
    """Those of the named scores, in the order of `all_infos`; a score without one is an error of ours."""
    named = set(scores)
    found = [info for info in all_infos() if info.score in named]
    assert not (missing := named - {info.score for info in found}), missing
    return found


def all_infos() -> list[ScoreInfo]:
    """Every score there is."""
    distances = [info for name, ear in EARS.items() for info in _distances(name, ear)]
    return [*COHERENCE, *distances, *TEXT, *ADHERENCE, *FIDELITY, *DIVERSITY, *LEVELS]


def _distances(name: str, ear: str) -> list[ScoreInfo]:
    return [
        ScoreInfo(
            score=f"frechet.{name}",
            label=f"FD, {name}" if name != "vggish" else "FAD",
            about=f"Fréchet distance between what {ear} hears in the clips and in real clips of other songs, "
            "from 0; biased upwards for few clips.",
            better="lower",
        ),
        ScoreInfo(
            score=f"frechet_infinity.{name}",
            label=f"FD∞, {name}" if name != "vggish" else "FAD∞",
            about="The same, extrapolated to infinitely many clips (the reference stays as it is).",
            better="lower",
        ),
    ]


COHERENCE = (
    ScoreInfo(
        score="onset_lock",
        label="onset lock",
        about="How far the onsets of two stems agree as they stand, in standard deviations above what "
        "they do when one is moved in time.",
        better="higher",
    ),
    ScoreInfo(
        score="beat_agreement",
        label="beat agreement",
        about="Correlation of where in their common beat two stems have their onsets, −1 to 1.",
        better="higher",
    ),
    ScoreInfo(
        score="chroma_agreement",
        label="chord agreement",
        about="Correlation of how the pitch classes of two stems change over time, apart from their "
        "common key, −1 to 1.",
        better="higher",
    ),
    ScoreInfo(
        score="cocola",
        label="COCOLA",
        about="A learned score of how well two stems go together, windows of 5 s; without bounds, for "
        "comparisons alone.",
        better="higher",
    ),
    ScoreInfo(
        score="tempo_agreement",
        label="tempo agreement",
        about="Correlation of the periods at which two stems repeat, octaves folded, −1 to 1; strangers "
        "of one tempo have it too.",
        better="higher",
    ),
    ScoreInfo(
        score="key_agreement",
        label="key agreement",
        about="Correlation of how well two stems fit each of the 24 keys, −1 to 1; strangers of one key "
        "have it too.",
        better="higher",
    ),
)
TEXT = (
    ScoreInfo(
        score="clap",
        label="CLAP score",
        about="Cosine of the sound and the prompt in CLAP's space, windows of 10 s every 5 s, −1 to 1.",
        better="higher",
        decimals=3,
    ),
    ScoreInfo(
        score="tag_agreement",
        label="tag agreement",
        about="How far musicnn hears the tags that the prompt asks for, in standard deviations above real "
        "clips.",
        better="higher",
    ),
)
ADHERENCE = (
    ScoreInfo(
        score="tempo_adherence",
        label="tempo as asked",
        about="Share of clips whose heard tempo is the prompt's within 4 %, octaves allowed.",
        better="higher",
    ),
    ScoreInfo(
        score="key_adherence",
        label="key as asked",
        about="1 for the key asked for, 0.5 a fifth off, 0.3 its relative, 0.2 its parallel, else 0.",
        better="higher",
    ),
)
FIDELITY = (
    ScoreInfo(
        score="given_change",
        label="change of given tracks",
        about="The largest difference of any sample of a given track from what was given; 0 is as it was.",
        better="lower",
        decimals=4,
    ),
    ScoreInfo(
        score="leakage",
        label="leakage",
        about="Highest correlation of a made track's waveform with a given one's within 20 ms, 0 to 1; "
        "stems that merely play together have about 0.01.",
        better="lower",
        decimals=3,
    ),
)
DIVERSITY = (
    ScoreInfo(
        score="diversity",
        label="spread over seeds",
        about="Mean distance between takes of one prompt over that between takes of different prompts; 0: "
        "all takes are the same.",
        better="higher",
    ),
    ScoreInfo(
        score="copied_share",
        label="near copies",
        about="Share of clips that are nearer to a training clip than all but 1 % of unseen real clips.",
        better="lower",
    ),
)
LEVELS = (
    ScoreInfo(
        score="silence_rate",
        label="silent clips",
        about="Share of clips that are silent throughout.",
        better="neither",
    ),
    ScoreInfo(
        score="silent_share",
        label="silence",
        about="Share of the time that is silent.",
        better="neither",
    ),
    ScoreInfo(
        score="clipping_rate",
        label="clipped clips",
        about="Share of clips with runs of samples at full scale.",
        better="lower",
    ),
    ScoreInfo(
        score="clipped_share",
        label="clipped samples",
        about="Share of the samples that stand in runs at full scale.",
        better="lower",
        decimals=4,
    ),
    ScoreInfo(score="rms_db", label="level", about="Level re full scale, dB.", better="neither", decimals=1),
    ScoreInfo(
        score="edge_click",
        label="jump at the ends",
        about="The first or last sample, absolute: a jump from silence is heard as a click.",
        better="lower",
        decimals=3,
    ),
)

"""Whether what was made sounds like the words that asked for it, as musicnn hears it."""

from collections.abc import Iterable, Iterator

import numpy as np

from stemwright.metrics.musicnn import TAGS
from stemwright.metrics.tag_agreement import clip_log_odds, tag_agreement
from stemwright.metrics.tag_words import asked_tags
from stemwright_platform.evaluation.clip_scoring import ClipScore, ScoreItem
from stemwright_platform.evaluation.hearing import Hearing
from stemwright_platform.evaluation.reference_set import ReferenceSet
from stemwright_platform.evaluation.sound_group import SoundGroup

SCORE, EAR = "tag_agreement", "musicnn"
VOCABULARY = TAGS["mtt"]


def tag_scores(
    groups: Iterable[SoundGroup], hearing: Hearing, reference: ReferenceSet
) -> Iterator[tuple[ScoreItem, ClipScore]]:
    """`tag_agreement` of every part that its prompt says anything of; nothing without that feature."""
    if EAR not in {feature.name for feature in hearing.features}:
        return
    for group in groups:
        scale = reference.tag_scale(EAR, group.part)
        heard = [hearing(path)[EAR]["tags"] for path in group.paths]
        if scale is None or not all(map(len, heard)):
            continue
        asked = [asked_tags(item.clip.prompt, VOCABULARY, group.part) for item in group.items]
        log_odds = np.stack([clip_log_odds(tags) for tags in heard])
        for item, value in zip(group.items, tag_agreement(log_odds, asked, VOCABULARY, scale), strict=True):
            if np.isfinite(value):
                yield item, ClipScore(SCORE, group.part, float(value))

"""What a check has to say: one finding of one kind about one track."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Worst first."""

KINDS = {
    "unreadable": "missing, empty, no audio, damaged in the middle, or with samples that are not finite",
    "truncated": "the file ends before its header, or its container, says",
    "leak": "the same music in two splits",
    "silent": "a file that stays below −60 dBFS, or a song of nothing else; a note below 2 % sounding time",
    "misaligned": "a stem, or all of them, lies 1 ms or more before or behind its place in the mix",
    "length": "a file ends more than 1 s (a note: 0.1 s) from the mix, or not where the manifest says",
    "sum": "what the stems, under one gain, leave of the mix is above −20 dB of it",
    "duplicate": "the same music under two names in one split",
    "doubled": "two tracks of a song hold the same audio",
    "clipped": "three or more successive samples at full scale; a warning from 10 such places on",
    "rate": "below 44.1 kHz or unlike its song's other files; a note: above 48 kHz or unlike most files",
    "mono": "a file of one channel, or a song whose every file has two equal ones",
}
"""Kind → what it means, in the order in which findings of one severity are listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing to look at."""

    kind: str
    """One of KINDS."""
    severity: Severity
    """Errors must not be trained on; warnings cost quality; notes are good to know."""
    song_id: str
    track: str | None
    """None where it concerns the whole song."""
    sentence: str
    """What is wrong, with its measure."""
    remedy: str
    """What to do about it."""


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, then by kind and name."""
    kinds = list(KINDS)

    def rank(finding: Finding) -> tuple[int, int, str, str]:
        return (
            SEVERITIES.index(finding.severity),
            kinds.index(finding.kind),
            finding.song_id,
            finding.track or "",
        )

    return sorted(findings, key=rank)

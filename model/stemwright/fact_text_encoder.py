"""Prompts with their numbers beside their words: tempo, beat grid and key as one more token.

Sentence encoders blur numbers: to them 96 bpm is much like 128 bpm, and F# minor like G minor. A musician who
names them wants them kept. Axes: B batch, L token, E text channel.
"""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stemwright.beat_grid import BeatGrid, named_tempo_bpm, read_grid
from stemwright.metrics.keys import MAJOR_MODES, MINOR_MODES, parsed_key
from stemwright.text_embedding import TextEmbedding, TextEncoder

GRID = slice(0, 3)
"""Channels of the first token with the beat grid: beats a second, beats a bar, where a bar begins."""
TEMPO, KEY = slice(3, 20), slice(20, 34)
"""Channels of the tempo (whether known, then sines of its octave) and of the key (tonic, major or minor)."""
OCTAVE_TURNS = tuple(2.0 ** (i - 2) for i in range(8))
"""Turns of the tempo's sines an octave: from a quarter, which tells them all apart, to fine ones."""
_KEY = re.compile(
    rf"\b([A-G](?:#|b|♯|♭)?) ({'|'.join(MAJOR_MODES + MINOR_MODES)})\b"
)  # case counts: "a minor change" is no key

_PREFIX = re.compile(r"\[[^\]]* generation\]\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptFacts:
    """What a prompt says in numbers."""

    grid: BeatGrid | None
    """Where beats are."""
    tempo_bpm: float | None
    """By the grid, else as named."""
    key: tuple[int, bool] | None
    """Pitch class of the tonic, and whether it is a kind of minor."""

    @classmethod
    def read(cls, prompt: str) -> tuple["PromptFacts", str]:
        """The facts of a prompt, and its words: all of it but the grid."""
        grid, words = read_grid(prompt)
        found = _KEY.search(words)
        tempo = grid.tempo_bpm if grid else named_tempo_bpm(words)
        return cls(grid=grid, tempo_bpm=tempo, key=parsed_key(found[0]) if found else None), words

    def token(self, width: int) -> Tensor:
        """The facts as a token's channels, float32 [E]; unknown ones are zero."""
        token = torch.zeros(width)
        if self.grid:
            token[GRID] = torch.tensor(
                [self.grid.tempo_bpm / 60, float(self.grid.beats_per_bar), self.grid.bar_s]
            )
        if self.tempo_bpm:
            octave = math.log2(self.tempo_bpm / 60)
            angle = torch.tensor([2 * math.pi * turns * octave for turns in OCTAVE_TURNS])
            token[TEMPO] = torch.cat([torch.ones(1), angle.cos(), angle.sin()])
        if self.key:
            tonic, is_minor = self.key
            token[KEY.start + tonic] = 1.0
            token[KEY.start + 12 + is_minor] = 1.0
        return token


class FactTextEncoder:
    """Another encoder's tokens behind one that holds the prompt's facts. Safe wherever the other one is.

    The task prefix and the description are encoded apart: a corpus has fifteen of the one and some thousands
    of the other, which can be remembered; of their combinations it has too many.
    """

    def __init__(self, encoder: TextEncoder, name: str) -> None:
        assert encoder.width >= KEY.stop
        self.name, self.width = name, encoder.width
        self.fingerprint = hashlib.sha256(f"facts 2 {encoder.fingerprint}".encode()).hexdigest()[:16]
        self._encoder = encoder

    def __call__(self, prompts: Sequence[str]) -> TextEmbedding:
        """Encode B prompts; the first token of each is its facts'."""
        read = [PromptFacts.read(prompt) for prompt in prompts]
        parts = [split_prefix(text) for _, text in read]
        texts = list(dict.fromkeys(text for both in parts for text in both if text))
        told = dict(zip(texts, self._tokens(texts), strict=True))
        rows = [
            torch.cat([facts.token(self.width)[None], *(told[text].cpu() for text in both if text)])
            for (facts, _), both in zip(read, parts, strict=True)
        ]
        lengths = torch.tensor([len(row) for row in rows])
        states = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return TextEmbedding(states, torch.arange(states.shape[1]) < lengths[:, None])

    def _tokens(self, texts: list[str]) -> list[Tensor]:
        """Each text's own states `[L, E]`."""
        if not texts:
            return []
        embedding = self._encoder(texts)
        return [row[real] for row, real in zip(embedding.states, embedding.mask, strict=True)]


def split_prefix(prompt: str) -> tuple[str, str]:
    """The task prefix of a prompt (§4.2) and the description behind it; either may be empty."""
    found = _PREFIX.match(prompt)
    return (found[0].strip(), prompt[found.end() :].strip()) if found else ("", prompt.strip())

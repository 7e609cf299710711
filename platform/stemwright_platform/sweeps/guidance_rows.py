"""Several guidance scales of one clip as rows of one batch, no row asked for twice.

Axes: Q requests that differ in λ alone, R rows, K track, D latent channel, S latent frame.

Until λ first acts all requests are in the same state: their rows are equal and one answer serves them all.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from stemwright.sampler import Denoiser, Rows, Sampling
from stemwright.text_embedding import cat

LARGEST_BATCH = 32
"""Rows that the denoiser gets at once."""
PROBES = 16
"""Elements of a row that tell most rows apart before all of them are compared."""


class GuidanceRows:
    """Q requests that go from noise to latents together."""

    def __init__(self, samplings: Sequence[Sampling], largest_batch: int = LARGEST_BATCH) -> None:
        """`samplings`: none has begun; all have as many steps, and latents of one shape."""
        assert len({sampling.num_steps for sampling in samplings}) == 1
        self.samplings, self._largest_batch = tuple(samplings), largest_batch
        self.asked = 0
        """Rows that the denoiser has answered."""
        self.wanted = 0
        """Rows that the requests would have asked for one by one."""

    @torch.no_grad()
    def step(self, denoiser: Denoiser) -> None:
        """Take one step of every request."""
        wanted = [sampling.rows() for sampling in self.samplings]
        rows = _concatenated(wanted)
        kept, place = distinct(rows)
        answers = self._answers(denoiser, _picked(rows, kept))[place]
        self.asked, self.wanted = self.asked + len(kept), self.wanted + len(place)
        parts = answers.split([len(each.z) for each in wanted])
        for sampling, eps in zip(self.samplings, parts, strict=True):
            sampling.advance(eps)

    def run(self, denoiser: Denoiser) -> list[Tensor]:
        """Latents [B, K, D, S] of each request, in their order."""
        while not self.samplings[0].done:
            self.step(denoiser)
        return [sampling.result() for sampling in self.samplings]

    def _answers(self, denoiser: Denoiser, rows: Rows) -> Tensor:
        """The denoiser's answer to all rows, in batches that fit."""
        starts = range(0, len(rows.z), self._largest_batch)
        chunks = [_picked(rows, slice(start, start + self._largest_batch)) for start in starts]
        return torch.cat([denoiser(chunk.z, chunk.t, chunk.text) for chunk in chunks])


def distinct(rows: Rows) -> tuple[Tensor, Tensor]:
    """Which rows differ from all before them, and for every row its place among those; both int64."""
    probed = rows.z.flatten(1)[:, :: max(1, rows.z[0].numel() // PROBES)].tolist()
    known: dict[tuple[float, ...], list[int]] = {}
    kept: list[int] = []
    place: list[int] = []
    for row, probe in enumerate(probed):
        alike = known.setdefault(tuple(probe), [])
        twin = next((other for other in alike if _same(rows, kept[other], row)), None)
        if twin is None:
            alike.append(twin := len(kept))
            kept.append(row)
        place.append(twin)
    return torch.tensor(kept, device=rows.z.device), torch.tensor(place, device=rows.z.device)


def _same(rows: Rows, one: int, other: int) -> bool:
    """Whether two rows are equal to the bit: state, timesteps and text."""
    columns = [rows.z, rows.t]
    if rows.text is not None:
        columns += [rows.text.states, rows.text.mask]
    return all(torch.equal(column[one], column[other]) for column in columns)


def _concatenated(parts: Sequence[Rows]) -> Rows:
    texts = [part.text for part in parts if part.text is not None]
    return Rows(
        z=torch.cat([part.z for part in parts]),
        t=torch.cat([part.t for part in parts]),
        text=cat(texts) if texts else None,
    )


def _picked(rows: Rows, which: Tensor | slice) -> Rows:
    text = None if rows.text is None else rows.text[which]
    return Rows(z=rows.z[which], t=rows.t[which], text=text)

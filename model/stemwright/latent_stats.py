"""Normalisation of latents: mean and deviation of each channel of each track, over sounding frames only.

Axes: B batch, K track, D latent channel, S latent frame.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save_file
from torch import Tensor

from stemwright.data_folder import DataFolder
from stemwright.errors import InputError

STD_FLOOR_OF_TRACK = 0.05
"""A channel's σ is at least this share of its track's mean σ: a channel that never moves must not blow up."""
STD_FLOOR = 1e-4


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentStats:
    """What turns a codec's latents into about zero mean and unit variance, and back."""

    mean: Tensor
    """float32 [K, D]."""
    std: Tensor
    """float32 [K, D], above zero."""

    def normalise(self, latents: Tensor) -> Tensor:
        """Latents `[..., K, D, S]` of the codec → the same, about N(0, 1) in each channel."""
        mean, std = self._columns(latents)
        return (latents - mean) / std

    def denormalise(self, latents: Tensor) -> Tensor:
        """The inverse of `normalise`."""
        mean, std = self._columns(latents)
        return latents * std + mean

    def to(self, device: torch.device | str) -> "LatentStats":
        return LatentStats(mean=self.mean.to(device), std=self.std.to(device))

    def tensors(self) -> dict[str, Tensor]:
        """The statistics as named tensors, for a safetensors file."""
        return {"mean": self.mean, "std": self.std}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> "LatentStats":
        """The inverse of `tensors`; other entries are ignored. InputError where one is missing."""
        if missing := [name for name in ("mean", "std") if name not in tensors]:
            raise InputError(f"latent statistics lack '{missing[0]}': prepare the data again")
        return cls(mean=tensors["mean"].float(), std=tensors["std"].float())

    def save(self, path: str | Path) -> None:
        """Write a safetensors file, whole or not at all."""
        temporary = Path(f"{path}.tmp")
        save_file({name: tensor.contiguous() for name, tensor in self.tensors().items()}, temporary)
        temporary.chmod(0o644)  # safetensors writes for the owner alone; other workers read it too
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: str | Path) -> "LatentStats":
        """Read a file's statistics. InputError where it is missing or broken."""
        return cls.from_tensors(_read(DataFolder(Path(path).parent), Path(path).name))

    def _columns(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        column = (*self.mean.shape, 1)
        return self.mean.to(latents).view(column), self.std.to(latents).view(column)


@dataclass(frozen=True, slots=True)
class LatentMoments:
    """Counts, means and squared deviations of a stream of latents; merging keeps them exact (Chan 1979).

    NumPy in float64, so that the sums do not depend on the number of threads.
    """

    count: NDArray[np.float64]
    """Sounding frames [K]."""
    mean: NDArray[np.float64]
    """[K, D]."""
    m2: NDArray[np.float64]
    """Sum of squared deviations from the mean, [K, D]."""

    @classmethod
    def empty(cls, num_tracks: int, latent_dim: int) -> "LatentMoments":
        shape = (num_tracks, latent_dim)
        return cls(np.zeros(num_tracks), np.zeros(shape), np.zeros(shape))

    @classmethod
    def of(cls, latents: Tensor, sounding: Tensor) -> "LatentMoments":
        """Moments of latents `[K, D, S]` over the frames where boolean `sounding` `[K, S]` is true."""
        moments = cls.empty(*latents.shape[:2])
        for track, (values, heard) in enumerate(zip(latents.numpy(), sounding.numpy(), strict=True)):
            frames = values[:, heard].astype(np.float64)
            if frames.shape[1]:
                moments.count[track] = frames.shape[1]
                moments.mean[track] = frames.mean(axis=1)
                moments.m2[track] = np.square(frames - moments.mean[track, :, None]).sum(axis=1)
        return moments

    @classmethod
    def load(cls, folder: DataFolder, name: str) -> "LatentMoments":
        """Read what `save` wrote. InputError where the file is missing, broken or lacks the moments."""
        tensors = _read(folder, name)
        if missing := [field for field in ("count", "mean", "m2") if field not in tensors]:
            raise InputError(f"{folder / name} lacks '{missing[0]}': prepare the data again")
        count, mean, m2 = (tensors[field].double().numpy() for field in ("count", "mean", "m2"))
        return cls(count, mean, m2)

    def save(self, folder: DataFolder, name: str) -> None:
        """Write a safetensors file of the moments and of the statistics that they give."""
        moments = {field: torch.from_numpy(getattr(self, field)) for field in ("count", "mean", "m2")}
        tensors = moments | {"std": self.stats().std}
        with folder.writing(name) as path:
            save_file({field: tensor.contiguous() for field, tensor in tensors.items()}, path)

    def times(self, weight: float) -> "LatentMoments":
        """The same stream counted `weight` times: a fraction makes it a lesser part of a merge."""
        return LatentMoments(self.count * weight, self.mean, self.m2 * weight)

    @classmethod
    def merged(cls, parts: Iterable["LatentMoments"]) -> "LatentMoments":
        """All parts as one, merged in the order given; at least one part."""
        first, *rest = parts
        for part in rest:
            first = first.merge(part)
        return first

    def merge(self, other: "LatentMoments") -> "LatentMoments":
        """The moments of both streams together."""
        count = self.count + other.count
        share = np.divide(other.count, count, out=np.zeros_like(count), where=count > 0)[:, None]
        difference = other.mean - self.mean
        mean = self.mean + difference * share
        m2 = self.m2 + other.m2 + np.square(difference) * share * self.count[:, None]
        return LatentMoments(count, mean, m2)

    def stats(self) -> LatentStats:
        """Mean and floored σ; a track that never sounded keeps mean 0 and σ 1."""
        heard = self.count[:, None] > 0
        std = np.sqrt(self.m2 / np.where(heard, self.count[:, None], 1.0))
        floor = np.maximum(STD_FLOOR_OF_TRACK * std.mean(axis=1, keepdims=True), STD_FLOOR)
        std = np.where(heard, np.maximum(std, floor), 1.0)
        return LatentStats(
            mean=torch.from_numpy(np.where(heard, self.mean, 0.0)).float(),
            std=torch.from_numpy(std).float(),
        )


def _read(folder: DataFolder, name: str) -> dict[str, Tensor]:
    try:
        return load(folder.read(name))
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(
            f"cannot read the latent statistics {folder / name} ({error}): prepare again"
        ) from None

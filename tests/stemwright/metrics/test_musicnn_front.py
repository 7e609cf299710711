import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from stemwright.metrics.musicnn_front import (
    BANDS,
    BatchNorm,
    TemporalFilters,
    TimbralFilters,
    unfolded_spectra,
)

PATCHES, FRAMES, FILTERS = 2, 45, 19


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def norm(width: int = FILTERS) -> BatchNorm:
    """Of which half the filters are turned over."""
    return BatchNorm(random(width), random(width, seed=1), random(width, seed=2), random(width, seed=3).abs())


def by_definition(
    x: Tensor, kernel: Tensor, bias: Tensor, normalise: BatchNorm, padding: tuple[int, int]
) -> Tensor:
    """Convolution, ReLU, batch normalisation, the greatest over all bands: `[B, T, C]`."""
    padded = F.pad(x[:, None], (0, 0, *padding))
    maps = F.conv2d(padded.double(), kernel.permute(2, 0, 1)[:, None].double(), bias.double())
    return normalise(torch.relu(maps).permute(0, 2, 3, 1)).amax(2).float()


@pytest.mark.parametrize("height", [38, 67, 1, 96])
def test_tall_filters_by_fourier_transform_equal_their_definition(height: int) -> None:
    x, kernel, bias = random(PATCHES, FRAMES, BANDS), random(7, height, FILTERS) / 10, random(FILTERS)
    normalise = norm()
    found = TimbralFilters(kernel, bias, normalise)(unfolded_spectra(x)).view(PATCHES, FRAMES, FILTERS)
    torch.testing.assert_close(found, by_definition(x, kernel, bias, normalise, (3, 3)), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("taps", [128, 64, 33, 1])
def test_long_filters_by_banded_products_equal_their_definition(taps: int) -> None:
    x, kernel, bias = random(PATCHES, FRAMES, BANDS), random(taps, 1, FILTERS) / 10, random(FILTERS)
    normalise = norm()
    padding = ((taps - 1) // 2, taps // 2)
    torch.testing.assert_close(
        TemporalFilters(kernel, bias, normalise)(x),
        by_definition(x, kernel, bias, normalise, padding),
        atol=2e-5,
        rtol=1e-5,
    )


def test_a_block_of_frames_does_not_depend_on_the_others() -> None:
    spectra = unfolded_spectra(random(1, 100, BANDS))
    filters = TimbralFilters(random(7, 38, FILTERS), random(FILTERS), norm())
    torch.testing.assert_close(filters(spectra)[30:41], filters(spectra[:, 30:41]), atol=1e-4, rtol=1e-4)

from importlib import resources

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load
from torch import Tensor

from stemwright.metrics.musicnn_net import MusicnnNet


@pytest.fixture(params=["mtt", "msd"])
def weights(request: pytest.FixtureRequest) -> dict[str, Tensor]:
    return load(
        (resources.files("stemwright") / "weights" / f"musicnn_{request.param}.safetensors").read_bytes()
    )


class Definition:
    """The network layer by layer as its authors describe it, in float64 and with no thought of speed."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = {name: value.double() for name, value in weights.items()}

    def norm(self, x: Tensor, number: int) -> Tensor:
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        gamma, beta, mean, variance = (
            self.weights[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / (variance + 1e-3).sqrt() * gamma + beta

    def conv(self, x: Tensor, number: int, before: int, after: int) -> Tensor:
        """`[B, T, F]` → batch-normalised `[B, T, F', C]`."""
        name = f"conv2d_{number}" if number else "conv2d"
        kernel = self.weights[f"{name}/kernel"].permute(3, 2, 0, 1)
        maps = F.conv2d(F.pad(x[:, None], (0, 0, before, after)), kernel, self.weights[f"{name}/bias"])
        return self.norm(torch.relu(maps).permute(0, 2, 3, 1), number + 1)

    def __call__(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(patches.double()[..., None], 0)[..., 0]
        found = [self.conv(x, number, 3, 3).amax(2) for number in (0, 1)]
        found += [
            self.conv(x, n, (taps - 1) // 2, taps // 2).amax(2) for n, taps in ((2, 128), (3, 64), (4, 32))
        ]
        layers = [torch.cat(found, -1)]
        sums = self.conv(layers[0], 5, 3, 3)[:, :, 0]
        layers.append(sums)
        for number in (6, 7):
            sums = sums + self.conv(sums, number, 3, 3)[:, :, 0]
            layers.append(sums)
        channels = torch.cat(layers, -1)
        pooled = self.norm(torch.stack([channels.amax(1), channels.mean(1)], -1).flatten(1), 9)
        hidden = torch.relu(pooled @ self.weights["dense/kernel"] + self.weights["dense/bias"])
        embedding = self.norm(hidden, 10)
        return embedding, embedding @ self.weights["dense_1/kernel"] + self.weights["dense_1/bias"]


def test_the_fast_network_equals_its_definition(weights: dict[str, Tensor]) -> None:
    patches = 2 * torch.rand(2, 187, 96, generator=torch.Generator().manual_seed(0))
    embedding, log_odds = MusicnnNet(weights)(patches)
    true_embedding, true_log_odds = Definition(weights)(patches)
    assert true_embedding.std() > 0.2
    torch.testing.assert_close(embedding.double(), true_embedding, atol=2e-4, rtol=2e-4)
    torch.testing.assert_close(log_odds.double(), true_log_odds, atol=2e-4, rtol=2e-4)


def test_a_patch_does_not_depend_on_the_others_of_its_batch(weights: dict[str, Tensor]) -> None:
    patches = 2 * torch.rand(3, 187, 96, generator=torch.Generator().manual_seed(1))
    net = MusicnnNet(weights)
    together, alone = net(patches)[0], net(patches[1:2])[0]
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-4)


def test_credit_and_licence_lie_beside_the_weights() -> None:
    text = (resources.files("stemwright") / "weights" / "musicnn-LICENSE.md").read_text(encoding="utf-8")
    assert "Universitat Pompeu Fabra" in text
    assert "without fee is hereby granted" in text

import torch

from stemwright.bf16 import Bf16Denoiser, denoiser_of
from stemwright.learner import seeded_model
from stemwright.presets import load_preset
from stemwright.text_embedding import TextEmbedding


def test_it_estimates_what_the_model_estimates_to_bf16s_rounding_and_gives_float32() -> None:
    preset = load_preset("tiny")
    model = seeded_model(preset, 0).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 4, preset.model.latent_dim, 32, generator=generator)
    t = torch.randint(1, 1000, (2, 4), generator=generator)
    states = torch.randn(2, 3, preset.model.text_width, generator=generator)
    text = TextEmbedding(states, torch.ones(2, 3, dtype=torch.bool))
    with torch.no_grad():
        exact, fast = model(z, t, text), Bf16Denoiser(model)(z, t, text)
    assert fast.dtype == torch.float32
    assert 0 < (fast - exact).square().mean() / exact.square().mean() < 1e-3


def test_on_a_cpu_the_model_itself_is_asked() -> None:
    model = seeded_model(load_preset("tiny"), 0)
    assert denoiser_of(model) is model

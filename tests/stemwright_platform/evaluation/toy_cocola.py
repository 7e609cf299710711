"""A checkout with the names of COCOLA's own, whose score is a product of levels."""

from pathlib import Path

import torch
from safetensors.torch import save_file

CONSTANTS = """
import enum
class ModelInputType(enum.Enum):
    DOUBLE_CHANNEL_HARMONIC_PERCUSSIVE = "double_channel_harmonic_percussive"
class EmbeddingMode(enum.Enum):
    BOTH = "both"
    RANDOM = "random"
"""
MODEL = """
import torch
from contrastive_model import constants
class CoCola(torch.nn.Module):
    def __init__(self, input_type):
        super().__init__()
        assert input_type is constants.ModelInputType.DOUBLE_CHANNEL_HARMONIC_PERCUSSIVE
        self.scale = torch.nn.Parameter(torch.zeros(1))
        self.mode = constants.EmbeddingMode.RANDOM
        self.drop = torch.nn.Dropout(0.5)
    def set_embedding_mode(self, mode): self.mode = mode
    def score(self, x, y):
        assert self.mode is constants.EmbeddingMode.BOTH and not self.training
        scores = self.scale * self.drop(x * y).mean(dim=(1, 2))
        return scores.squeeze(0) if len(scores) == 1 else scores
"""
FEATURES = """
import torch
print("talk")
class CoColaFeatureExtractor(torch.nn.Module):
    def forward(self, x):
        assert x.ndim == 3 and x.shape[1:] == (1, 80000), x.shape
        return x
"""


def write_toy_cocola(folder: Path, scale: float = 100.0) -> Path:
    """Returns its weights: a pair scores `scale` times the mean product of its samples."""
    for name, text in (
        ("contrastive_model/constants.py", CONSTANTS),
        ("contrastive_model/contrastive_model.py", MODEL),
        ("feature_extraction/feature_extraction.py", FEATURES),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    weights = folder / "weights.safetensors"
    save_file({"scale": torch.full((1,), scale)}, weights)
    return weights

# pyright: reportMissingImports=false
"""COCOLA by its own code (Ciranni 2024): how well pairs of stems go together, a score for each 5 s of both.

Runs in an environment that has COCOLA's requirements, started by `evaluation/external_scorer.py`; nothing of
ours is imported. docs/evaluation.md tells how to set the environment up.

    python cocola_scorer.py --code cocola --checkpoint checkpoint.safetensors
"""

import argparse
import sys
from typing import Any

from answering import Array, claim_output, serve, sha256_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--code", required=True, help="a checkout of COCOLA's repository")
    parser.add_argument("--checkpoint", required=True, help="weights of COCOLA_HP_v1")
    arguments = parser.parse_args()
    out = claim_output()
    sys.path.insert(0, arguments.code)
    model, hear = _load(arguments.checkpoint)

    def answer(do: str, arrays: list[Array], texts: list[str]) -> Any:
        import torch

        if do != "score_pairs":
            raise ValueError(f"there is no {do}")
        with torch.no_grad():
            first, second = (hear(_windows(*array)) for array in arrays)
            return model.score(first, second).reshape(-1).tolist()

    fingerprint = f"cocola {sha256_of(arguments.checkpoint)}"
    serve(out, {"name": "cocola", "version": "COCOLA_HP_v1", "fingerprint": fingerprint}, answer)


def _windows(path: str, shape: list[int]) -> Any:
    """Mono windows `[W, 80000]` at 16 kHz as COCOLA takes them, `[W, 1, 80000]`."""
    import numpy as np
    import torch

    return torch.from_numpy(np.fromfile(path, dtype="<f4").reshape(shape))[:, None]


def _load(checkpoint: str) -> tuple[Any, Any]:
    """The published model with its standard score: harmonic and percussive parts both."""
    from contrastive_model import constants
    from contrastive_model.contrastive_model import CoCola
    from feature_extraction.feature_extraction import CoColaFeatureExtractor

    model = CoCola(input_type=constants.ModelInputType.DOUBLE_CHANNEL_HARMONIC_PERCUSSIVE)
    model.load_state_dict(_weights(checkpoint, constants))
    model.eval()
    model.set_embedding_mode(constants.EmbeddingMode.BOTH)
    return model, CoColaFeatureExtractor()


def _weights(checkpoint: str, constants: Any) -> Any:
    """Lightning's loader would run what the file holds; this one takes its weights alone."""
    if checkpoint.endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(checkpoint)
    import torch

    with torch.serialization.safe_globals([constants.EmbeddingMode, constants.ModelInputType]):
        return torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]


if __name__ == "__main__":
    main()

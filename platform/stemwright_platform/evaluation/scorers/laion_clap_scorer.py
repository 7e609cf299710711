# pyright: reportMissingImports=false
"""LAION-CLAP by its own package: windows of sound and words → embeddings of unit length.

Runs in an environment that has the package laion-clap, started by `evaluation/external_scorer.py`; nothing of
ours is imported. docs/evaluation.md tells how to set the environment up.

    python laion_clap_scorer.py --checkpoint music_audioset_epoch_15_esc_90.14.pt
"""

import argparse
from importlib import import_module, metadata
from typing import Any

from answering import Array, claim_output, serve, sha256_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True, help="weights as LAION publishes them, without fusion")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    out = claim_output()
    module = _load(arguments.checkpoint, arguments.device)

    def answer(do: str, arrays: list[Array], texts: list[str]) -> Any:
        import torch

        with torch.no_grad():
            if do == "embed_audio":
                return module.get_audio_embedding_from_data(x=_windows(*arrays[0])).tolist()
            if do == "embed_text":
                # Older versions of the package take no single text.
                return module.get_text_embedding([*texts, texts[0]])[: len(texts)].tolist()
        raise ValueError(f"there is no {do}")

    version = metadata.version("laion-clap")
    fingerprint = f"{version} {sha256_of(arguments.checkpoint)}"
    serve(out, {"name": "laion-clap", "version": version, "fingerprint": fingerprint}, answer)


def _windows(path: str, shape: list[int]) -> Any:
    """Of 10 s, so that the package has nothing to crop at random."""
    import numpy as np

    return np.fromfile(path, dtype="<f4").reshape(shape)


def _load(checkpoint: str, device: str) -> Any:
    """The package's own loader would run what the file holds; this one takes its weights alone."""
    laion_clap: Any = import_module("laion_clap")
    state = _weights(checkpoint)
    wide = state["audio_branch.patch_embed.proj.weight"].shape[0] == 128
    module = laion_clap.CLAP_Module(
        enable_fusion=False, amodel="HTSAT-base" if wide else "HTSAT-tiny", device=device
    )
    # Buffers that some versions of transformers store and others compute.
    wanted = module.model.state_dict()
    module.model.load_state_dict({name: value for name, value in state.items() if name in wanted})
    return module


def _weights(checkpoint: str) -> Any:
    if checkpoint.endswith(".safetensors"):
        from safetensors.torch import load_file

        state = load_file(checkpoint)
    else:
        import numpy as np
        import torch

        scalar: Any = np.float64(0).__reduce__()[0]
        kinds = [type(np.dtype(kind)) for kind in (np.int64, np.float32, np.float64)]
        allowed = [(scalar, "numpy.core.multiarray.scalar"), scalar, np.dtype, *kinds]
        with torch.serialization.safe_globals(allowed):
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state)
    return {name[len("module.") :] if name.startswith("module.") else name: state[name] for name in state}


if __name__ == "__main__":
    main()

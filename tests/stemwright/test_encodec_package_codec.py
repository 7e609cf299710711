from pathlib import Path

import pytest
import torch

from stemwright.codec import load_codec
from stemwright.encodec_codec import random_model
from stemwright.errors import InputError


def package_imports() -> bool:
    try:
        import encodec  # noqa: F401  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError):
        return False
    return True


needs_package = pytest.mark.skipif(
    not package_imports(), reason="the package encodec cannot be imported: pip install 'stemwright[encodec]'"
)


@needs_package
def test_both_backends_agree_on_latents_and_audio(tmp_path: Path) -> None:
    random_model(1, num_filters=4).save_pretrained(tmp_path)
    ours, theirs = (load_codec(name, weights=str(tmp_path)) for name in ("encodec", "encodec-package"))
    audio = torch.randn(1, 2, 60_000, generator=torch.Generator().manual_seed(0)) * 0.1
    latents = ours.encode(audio)
    torch.testing.assert_close(theirs.encode(audio), latents, rtol=0, atol=1e-4)
    torch.testing.assert_close(theirs.decode(latents), ours.decode(latents), rtol=0, atol=1e-4)
    assert (theirs.name, theirs.fingerprint) == ("encodec-package", ours.fingerprint)


@needs_package
def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    random_model(1, num_filters=2).save_pretrained(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="not the stereo 48 kHz EnCodec"):
        load_codec("encodec-package", weights=str(tmp_path))


@pytest.mark.skipif(package_imports(), reason="the package encodec is installed")
def test_a_missing_package_is_told_with_the_command_and_the_alternative() -> None:
    with pytest.raises(InputError, match=r"stemwright\[encodec\].*codec 'encodec'"):
        load_codec("encodec-package")

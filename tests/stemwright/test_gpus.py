import pytest

from stemwright.errors import InputError
from stemwright.gpus import GPUS, gpu_named, gpu_of_driver


@pytest.mark.parametrize(
    ("device", "name"),
    [
        ("NVIDIA A100-SXM4-40GB", "A100-40GB"),
        ("NVIDIA A100 80GB PCIe", "A100-80GB"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
    ],
)
def test_a_gpu_is_known_by_the_drivers_name(device: str, name: str) -> None:
    found = gpu_of_driver(device)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("device", ["NVIDIA L40", "NVIDIA H200 NVL", "Tesla V100-SXM2-32GB", ""])
def test_a_make_of_another_speed_is_unknown(device: str) -> None:
    assert gpu_of_driver(device) is None


def test_a_name_is_taken_in_small_letters_and_an_unknown_one_refused() -> None:
    assert all(gpu_named(gpu.name.lower()) is gpu for gpu in GPUS)
    with pytest.raises(InputError, match="unknown GPU 'V100': choose from L4, RTX-4090"):
        gpu_named("V100")

"""GPUs to train on, as their makers' data sheets have them."""

from dataclasses import dataclass

from stemwright.errors import InputError

USABLE = 0.9
"""Share of a GPU's memory to plan with: the CUDA context and gaps between tensors take the rest."""

MFU = 0.35
"""Share of a GPU's peak that training is taken to reach unless told otherwise: an assumption."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """One make."""

    name: str
    """As the command line spells it."""
    words: frozenset[str]
    """Those of the driver's name for it that tell it from the others."""
    memory_gb: int
    """In 10⁹ bytes."""
    bf16_flops: float
    """Dense bf16 operations a second, summed in float32; sheets often print twice that, for sparse ones."""

    @property
    def usable_bytes(self) -> float:
        return usable_bytes(self.memory_gb)


def usable_bytes(memory_gb: float) -> float:
    """What a run may plan with on a GPU of so much memory."""
    return USABLE * memory_gb * 1e9


def _gpu(name: str, words: str, memory_gb: int, bf16_tflops: float) -> Gpu:
    return Gpu(name=name, words=frozenset(words.split()), memory_gb=memory_gb, bf16_flops=bf16_tflops * 1e12)


GPUS = (
    _gpu("L4", "L4", 24, 121),
    _gpu("RTX-4090", "RTX 4090", 24, 165.2),
    _gpu("A100-40GB", "A100 40GB", 40, 312),
    _gpu("L40S", "L40S", 48, 362),
    _gpu("A100-80GB", "A100 80GB", 80, 312),
    _gpu("H100-PCIe", "H100 PCIe", 80, 756),
    _gpu("H100", "H100 80GB HBM3", 80, 989),
    _gpu("H200", "H200", 141, 989),
)


def gpu_named(name: str) -> Gpu:
    """By the name on the command line, in capitals or not. InputError lists the known ones."""
    for gpu in GPUS:
        if gpu.name.lower() == name.lower():
            return gpu
    raise InputError(f"unknown GPU '{name}': choose from {', '.join(gpu.name for gpu in GPUS)}")


def gpu_of_driver(device_name: str) -> Gpu | None:
    """By what `torch.cuda.get_device_name` says, as "NVIDIA A100-SXM4-80GB"; None where it is unknown."""
    words = set(device_name.replace("-", " ").split())
    found = [gpu for gpu in GPUS if gpu.words <= words]
    return found[0] if found and "NVL" not in words else None

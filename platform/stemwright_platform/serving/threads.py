"""How many cores a replica computes with."""

import os


def use_threads(threads: int | None) -> None:
    """Give torch `threads` threads, or a thread a core. Ray gives a replica one for each of its CPUs."""
    import torch

    torch.set_num_threads(threads or os.cpu_count() or 1)

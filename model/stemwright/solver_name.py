"""The solvers there are."""

from typing import Literal

from stemwright.errors import InputError

Solver = Literal["ddpm", "ddim", "dpmpp_2m"]
SOLVERS: tuple[Solver, ...] = ("ddpm", "ddim", "dpmpp_2m")


def checked_solver(name: str) -> Solver:
    """A solver by name; InputError lists those there are."""
    for solver in SOLVERS:
        if solver == name:
            return solver
    raise InputError(f"unknown solver '{name}': choose from {', '.join(SOLVERS)}")

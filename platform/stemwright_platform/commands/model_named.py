"""Which model a command uses, in a line, where nobody named one."""

from collections.abc import Callable

from stemwright.shipped_model import SHIPPED, shipped_model


def model_named(model: str, say: Callable[[str], None]) -> None:
    """Say what the shipped model is where `model` stands for it. InputError where there is none."""
    if model != SHIPPED:
        return
    from stemwright.checkpoint import read_config

    config = read_config(shipped_model())
    facts, origin = config["origin"]["facts"], config["origin"]
    length = (
        f", {facts['steps']:,} steps on {facts['hours']:.1f} h" if {"steps", "hours"} <= set(facts) else ""
    )
    say(f"model: the one that ships (preset {config['name']}, codec {origin['codec']}{length})")

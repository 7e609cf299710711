import torch
from torch import nn

from stemwright.flat_state import below, load_optimizer_state, optimizer_state


def stepped() -> torch.optim.Optimizer:
    torch.manual_seed(0)
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return optimizer


def test_an_optimiser_s_moments_come_back_and_its_rate_stays() -> None:
    kept = optimizer_state(stepped(), "adam.") | {"other.0.exp_avg": torch.zeros(1)}
    fresh = torch.optim.AdamW(nn.Linear(3, 2).parameters(), lr=0.5)
    load_optimizer_state(fresh, kept, "adam.")
    back = optimizer_state(fresh, "adam.")
    assert back.keys() == kept.keys() - {"other.0.exp_avg"}
    assert all(torch.equal(back[name], kept[name]) for name in back)
    assert fresh.param_groups[0]["lr"] == 0.5


def test_only_names_below_the_start_are_taken_and_without_it() -> None:
    one = torch.ones(1)
    assert below({"a.b": one, "ab": one, "b.a.c": one}, "a.") == {"b": one}

import torch

from stemwright.half_precision import MAX_ERROR, halved


def test_ordinary_weights_take_half_the_space_and_hardly_change() -> None:
    weights = {"w": 0.02 * torch.randn(64, 64, generator=torch.Generator().manual_seed(0))}
    result, rounding = halved(weights)
    assert result["w"].dtype == torch.float16
    assert 0 < rounding.error <= rounding.worst < MAX_ERROR
    torch.testing.assert_close(result["w"].float(), weights["w"], rtol=1e-3, atol=1e-6)


def test_values_that_float16_cannot_hold_stay_as_they_are() -> None:
    weights = {
        "large": torch.tensor([1e6, 1.0]),
        "small": torch.full((4,), 3e-7),
        "broken": torch.tensor([float("nan")]),
        "plain": torch.ones(3),
    }
    result, rounding = halved(weights)
    assert set(rounding.kept) == {"large", "small", "broken"}
    for name in rounding.kept:
        assert result[name] is weights[name]
    assert result["plain"].dtype == torch.float16
    assert "3 tensors in float32" in str(rounding)


def test_counts_and_zeros_pass_through() -> None:
    result, rounding = halved({"count": torch.tensor(3), "zeros": torch.zeros(2)})
    assert result["count"].dtype == torch.int64
    assert torch.equal(result["zeros"].float(), torch.zeros(2))
    assert rounding.error == rounding.worst == 0.0

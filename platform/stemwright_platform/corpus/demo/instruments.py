"""Where the demo corpus' lead instruments play."""

CENTRES: dict[int, int] = {
    22: 70,
    29: 69,
    30: 69,
    26: 67,
    32: 38,
    42: 57,
    57: 60,
    66: 64,
    73: 79,
    75: 77,
    11: 74,
}
"""Program → the pitch around which its melodies lie, where that is not 71."""

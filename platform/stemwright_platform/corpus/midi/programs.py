"""The programs of General MIDI by what they are good for, and which can stand in for which."""

from stemwright_platform.corpus.general_midi import KITS, PROGRAMS

BASSES = frozenset(range(32, 40))
PERCUSSION = frozenset(range(115, 119))
"""Programs that play drums on a channel of their own."""
EFFECTS = frozenset(range(119, 128))
GUITARS = frozenset(range(24, 32))
LEADS = frozenset((22, 23, 29, 40, 54, 56, 59, 64, 65, 66, 68, 69, 71, 72, 73, 74, 75, 77, 78, 79, 110, 111))
"""Programs that mostly play single lines, with the synth leads."""
SYNTH_LEADS = frozenset(range(80, 86))
PADS = frozenset((*range(48, 53), 61, 62, 63, *range(88, 104)))
"""Programs that mostly accompany."""

FAMILIES: tuple[tuple[int, ...], ...] = (
    (0, 1, 2, 3),
    (4, 5, 7),
    (8, 10, 11, 12, 13),
    (16, 17, 18),
    (20, 21, 23),
    (24, 25),
    (26, 27, 28),
    (29, 30),
    (32, 33, 34, 35),
    (36, 37),
    (38, 39),
    (40, 41, 110),
    (42, 43),
    (48, 49, 50, 51),
    (52, 53, 54, 91),
    (56, 57, 59, 60),
    (61, 62, 63),
    (64, 65, 66, 67),
    (68, 69, 71),
    (72, 73, 74, 75, 79),
    (80, 81, 84, 87),
    (82, 83, 85),
    (88, 89, 90, 92, 94, 95),
    (104, 105, 106, 107),
)
"""Programs that can take each other's parts; one in no family keeps to itself."""
KIT_FAMILY = (0, 8, 16, 24, 25, 32)


def family(program: int, is_drum: bool) -> tuple[int, ...]:
    """The programs or kits that can take the part of one, itself among them."""
    if is_drum:
        return KIT_FAMILY if program in KIT_FAMILY else (program,)
    return next((programs for programs in FAMILIES if program in programs), (program,))


def name_of(program: int, is_drum: bool) -> str:
    """As a prompt says it."""
    return KITS.get(program, KITS.get(program // 8 * 8, KITS[0])) if is_drum else PROGRAMS[program]

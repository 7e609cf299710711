"""What a listening test asks of its raters."""

from dataclasses import dataclass

from stemwright.errors import InputError
from stemwright_platform.evaluation.listening_test.system_folder import MIX

QUESTION = (
    "Which of the two do you prefer? Think of the sound, of how the instruments fit together, "
    "of the harmony, and of how well it follows the text."
)
"""What the paper's raters judged (§5.1)."""
PAIRS_PER_CHECK = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How many pairs of what, and what is asked about them."""

    pairs: int = 20
    """At most; fewer where fewer clips are shared."""
    checks: int | None = None
    """Pairs with a spoilt clip, and as many of a clip with itself; None: one each for every ten pairs."""
    questions: tuple[str, ...] = (QUESTION,)
    parts: tuple[str, ...] = (MIX,)
    """What of a clip is compared: "mix", tracks, or "all"."""
    ties: bool = True
    """Whether "no difference" is an answer."""
    seed: int = 0
    """Which pairs."""
    longest_s: float = 15.0
    """Clips are cut to it."""
    least_heard_s: float = 2.0
    """Of each clip, before an answer counts."""
    title: str = "Listening test"
    post_to: str = ""
    """URL that results are sent to; "" for a download alone."""

    def __post_init__(self) -> None:
        if self.pairs < 1 or (self.checks or 0) < 0 or self.longest_s <= 0:
            raise InputError("a test needs at least 1 pair, 0 checks or more, and clips above 0 s")
        if not self.questions or not all(question.strip() for question in self.questions):
            raise InputError("--question is empty: ask something, or leave it out")
        if self.post_to and not self.post_to.startswith(("http://", "https://")):
            raise InputError(f"--post-to {self.post_to}: give a URL that starts with http:// or https://")

    def num_checks(self, pairs: int) -> int:
        """Of each kind, for so many pairs."""
        return max(1, pairs // PAIRS_PER_CHECK) if self.checks is None else self.checks

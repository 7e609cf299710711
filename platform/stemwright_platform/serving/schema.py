"""What the composition API takes and gives, as JSON."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from stemwright.solver_name import Solver

MAX_PROMPT_CHARACTERS = 2_000
DEFAULT_DURATION_S = 8.0
MAX_SEED = 2**53 - 1
"""Browsers read JSON numbers as doubles."""


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be Unicode text without NUL characters or lone surrogates")
    return text


Text = Annotated[str, Field(max_length=MAX_PROMPT_CHARACTERS), AfterValidator(_storable)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Scale = Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)]
Priority = Literal["interactive", "batch"]
PRIORITIES: tuple[Priority, ...] = ("interactive", "batch")
"""Who goes first."""
State = Literal["queued", "running", "done", "failed", "cancelled"]


class Asked(BaseModel):
    """Bodies refuse fields they do not know: a misspelt one would be ignored in silence."""

    model_config = ConfigDict(extra="forbid")


def _like(**example: Any) -> ConfigDict:
    """With an example for the documentation."""
    return ConfigDict(json_schema_extra={"examples": [example]})


Name = Annotated[str, Field(max_length=200), AfterValidator(_storable)]
Address = Annotated[str, Field(max_length=500), AfterValidator(_storable)]


class Lane(Asked):
    """How a track sounds in the mix."""

    gain_db: float = Field(0.0, ge=-60, le=12, allow_inf_nan=False)
    pan: float = Field(0.0, ge=-1, le=1, allow_inf_nan=False)
    """-1 is left alone, 1 right alone; between them the other side is turned down in proportion."""
    mute: bool = False


class NewComposition(Asked):
    """Body of POST /compositions."""

    model_config = _like(prompt="slow blues, slide guitar", bars=8, tempo_bpm=72, seed=1)

    name: Name = ""
    model_uri: Address | None = None
    """Of GET /models; left out: the application's own."""
    prompt: Text = ""
    """What it should sound like; empty lets the model choose."""
    duration_s: float = Field(DEFAULT_DURATION_S, gt=0, allow_inf_nan=False)
    """Length of every stem; or its length in bars:"""
    bars: int | None = Field(None, ge=1, le=1_000)
    """of `beats_per_bar` beats in the tempo given, to the sample."""
    tempo_bpm: float | None = Field(None, ge=20, le=400, allow_inf_nan=False)
    """Told to the model beside the prompt."""
    beats_per_bar: int = Field(4, ge=1, le=12)
    """Quarter notes a bar; told to the model beside the tempo where they are not four."""
    seed: Seed | None = None
    """First seed of the generations that name none; drawn where left out."""

    @model_validator(mode="after")
    def _length_in_bars(self) -> "NewComposition":
        if self.bars is None:
            return self
        if self.tempo_bpm is None:
            raise ValueError("a length in bars needs tempo_bpm")
        if "duration_s" in self.model_fields_set:
            raise ValueError("give the length in bars or in duration_s, not both")
        self.duration_s = 60 * self.bars * self.beats_per_bar / self.tempo_bpm
        return self


class SignIn(Asked):
    """Body of POST /session."""

    model_config = _like(key="sw_3f1c…_…")

    key: str = Field(max_length=200)


class CompositionChange(Asked):
    """Body of PATCH /compositions/{id}: what is left out stays."""

    model_config = _like(name="Second try", lanes={"bass": {"gain_db": -3.0, "pan": 0.0, "mute": False}})

    name: Name | None = None
    prompt: Text | None = None
    model_uri: Address | None = None
    """Another model, of the same tracks and sample rate; takes that are there stay."""
    tempo_bpm: float | None = Field(None, ge=20, le=400, allow_inf_nan=False)
    """Of what is made from now on; the length and takes that are there stay."""
    beats_per_bar: int | None = Field(None, ge=1, le=12)
    lanes: dict[str, Lane] | None = Field(None, max_length=64)
    """Of some tracks; the others keep theirs."""


class NewCopy(Asked):
    """Body of POST /compositions/{id}/duplicate: what is left out is as in the original."""

    model_config = _like(duration_s=16.0)

    name: Name | None = None
    duration_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Takes are cut, or silent at their ends: a region there continues the piece."""


class Region(Asked):
    """A part of the piece."""

    start_s: float = Field(ge=0, allow_inf_nan=False)
    end_s: float = Field(gt=0, allow_inf_nan=False)


class NewGeneration(Asked):
    """Body of POST /compositions/{id}/generations."""

    model_config = _like(targets=["instrument", "melody"], candidates=2)

    targets: list[str] = Field(min_length=1, max_length=64)
    """Tracks to generate."""
    given: list[str] | None = Field(None, max_length=64)
    """Tracks whose selected take the targets must fit; left out: all others that have one."""
    region: Region | None = None
    """Make only this part anew of the targets' selected takes; the rest of them stays as it is."""
    prompt: Text | None = None
    """In place of the composition's prompt."""
    guidance_scale: Scale | None = None
    """λ of Eq. 6; left out: the model's own."""
    text_guidance: Scale | None = None
    """1 is off; left out: the model's own."""
    steps: int | None = Field(None, ge=1, le=1000)
    solver: Solver | None = None
    seed: Seed | None = None
    """Candidate i has this seed + i; left out: the composition's next."""
    candidates: int = Field(1, ge=1, le=8)
    """Takes to make of each target."""
    priority: Priority = "interactive"
    """`batch` for work in bulk: it goes after whatever somebody waits for."""


class Brief(Asked):
    """An accepted generation, complete: what the dispatcher reads from the queue."""

    prompt: str
    duration_s: float
    tracks: list[str]
    targets: list[str]
    given: dict[str, str]
    """Track → id of the take to fit."""
    region_s: tuple[float, float] | None = None
    """Part that is made anew."""
    takes: dict[str, str] = Field(default_factory=dict)
    """Target → id of the take of which a region is made anew."""
    guidance_scale: float
    text_guidance: float
    steps: int
    solver: Solver
    seeds: list[int]
    """One a candidate."""
    priority: Priority = "interactive"

    @property
    def cost(self) -> float:
        """Seconds of audio times steps: what a share is counted in."""
        return self.duration_s * self.steps * len(self.seeds)


class ModelFacts(BaseModel):
    """What a served model is."""

    uri: str
    """As configured."""
    version: str = ""
    """What is served: the version that the alias means, or the same as `uri`."""
    refused: str | None = None
    """Why the alias's present version is not served; None where it is."""
    fingerprint: str
    """Of the weights and the configuration."""
    tracks: list[str]
    prompt_names: list[str]
    """The tracks as a task prefix spells them."""
    sample_rate_hz: int
    codec: str
    text_encoder: str
    guidance_scale: float
    text_guidance: float
    steps: int
    solver: Solver
    gains_db: dict[str, float]
    """Track → the corpus's median loudness gain."""
    rewrites: bool = False
    """Whether it makes a region of a take anew."""


class TakeView(BaseModel):
    """A take; its audio and peaks are calls of their own."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    track: str
    name: str
    generation_id: str | None
    seed: int | None
    model: str | None
    """The version that made it; None for an upload."""
    gain_db: float
    num_bytes: int
    created_at: float


class Alignment(BaseModel):
    """What would bring a stem onto a composition's grid; nothing of it is done unless it is asked for."""

    heard_bpm: float | None
    """None where no beat was heard: there is nothing to offer then."""
    stretch: float = 1.0
    """Times as long as it is; 1 where the tempo is the composition's, or the composition has none."""
    offset_to_beat_s: float = 0.0
    """Seconds later, or earlier below 0, once it is stretched: beats lie on beats."""
    offset_to_bar_s: float = 0.0
    """The same with bars on bars, as far as bars can be heard."""


class SelectionView(BaseModel):
    """One state of the selection."""

    model_config = ConfigDict(from_attributes=True)

    takes: dict[str, str]
    created_at: float


class SlotView(BaseModel):
    """A track of a composition."""

    selected: str | None
    """Id of the take that counts."""
    lane: Lane
    takes: list[TakeView]


class GenerationView(BaseModel):
    """Where a generation stands."""

    id: str
    composition_id: str
    state: State
    stage: str
    progress: float
    place: int | None
    """1 is next; None once it is not waiting any more."""
    error: str | None
    model: str | None
    """The version that makes it or made it; None before it has started."""
    request_id: str | None
    """The call that asked for it, as the server's logs name it."""
    request: Brief
    takes: list[TakeView]
    created_at: float
    started_at: float | None
    ended_at: float | None


class CompositionSummary(BaseModel):
    """A composition in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    model_uri: str
    """Of the model that makes its takes; empty: the application's own."""
    prompt: str
    duration_s: float
    tempo_bpm: float | None
    beats_per_bar: int
    seed: int
    tracks: list[str]
    sample_rate_hz: int
    created_at: float


class CompositionView(CompositionSummary):
    """A composition with its slots."""

    slots: dict[str, SlotView]
    history: list[SelectionView]
    """Selections, oldest first; the last one counts."""
    generations: list[str]
    """Ids, oldest first."""

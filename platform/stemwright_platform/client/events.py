"""Server-sent events of a generation, read line by line."""

import json
from dataclasses import dataclass, field

from pydantic import BaseModel

from stemwright_platform.client.faults import ApiError
from stemwright_platform.serving.schema import State


class Progress(BaseModel):
    """Where a generation stands."""

    id: str
    state: State
    stage: str
    progress: float
    """0…1."""
    place: int | None
    """In the queue; 1 is next."""
    error: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """One that has come whole."""

    name: str
    data: str

    @property
    def is_last(self) -> bool:
        return self.name == "end"

    def progress(self) -> Progress:
        """ApiError where the generation is gone."""
        told = json.loads(self.data)
        if "code" in told:
            raise ApiError(404, told["code"], told["message"], told["remedy"])
        return Progress.model_validate(told)


@dataclass(slots=True)
class EventReader:
    """Events from lines; remembers the last one's id, to go on after it."""

    last_id: str | None = None
    _name: str = ""
    _data: list[str] = field(default_factory=list)
    _id: str | None = None

    def feed(self, line: str) -> Event | None:
        """The event that an empty line completes."""
        if not line:
            return self._complete()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        return None

    def begin(self) -> dict[str, str]:
        """Headers of the next stream; what the one before left unfinished is forgotten."""
        self._name, self._data, self._id = "", [], None
        return {} if self.last_id is None else {"Last-Event-ID": self.last_id}

    def _complete(self) -> Event | None:
        event = Event(self._name, "\n".join(self._data)) if self._data else None
        if event is not None and self._id is not None:
            self.last_id = self._id
        self._name, self._data, self._id = "", [], None
        return event

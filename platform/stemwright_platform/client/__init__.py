"""The composition API from a program: `Client`, and `AsyncClient` for those who await.

from stemwright_platform.client import Client

with Client("http://127.0.0.1:8000") as api:
    piece = api.create_composition("slow blues", bars=4, tempo_bpm=72)
    made = api.wait(api.generate(piece.id, targets=["bass", "drums"]).id)
    api.select(piece.id, {take.track: take.id for take in made.takes})
    open("mix.flac", "wb").write(api.mix(piece.id, format="flac"))
"""

from stemwright_platform.client.async_client import AsyncClient
from stemwright_platform.client.client import Client
from stemwright_platform.client.events import Progress
from stemwright_platform.client.faults import ApiError, NoAnswer
from stemwright_platform.client.retries import Retries

__all__ = ["ApiError", "AsyncClient", "Client", "NoAnswer", "Progress", "Retries"]

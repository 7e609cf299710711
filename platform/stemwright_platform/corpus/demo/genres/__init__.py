"""The genres of the demo corpus."""

from stemwright_platform.corpus.demo.genre import Genre
from stemwright_platform.corpus.demo.genres.acoustic import BOSSA_NOVA, COUNTRY, FOLK, JAZZ
from stemwright_platform.corpus.demo.genres.band import BLUES, FUNK, REGGAE, ROCK, SOUL
from stemwright_platform.corpus.demo.genres.electronic import DRUM_AND_BASS, HIP_HOP, HOUSE, SYNTHPOP

GENRES: tuple[Genre, ...] = (
    ROCK,
    BLUES,
    FUNK,
    JAZZ,
    BOSSA_NOVA,
    HOUSE,
    HIP_HOP,
    REGGAE,
    FOLK,
    SYNTHPOP,
    SOUL,
    COUNTRY,
    DRUM_AND_BASS,
)

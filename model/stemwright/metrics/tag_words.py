"""Which of musicnn's tags the words of a prompt ask for."""

import re
from collections.abc import Sequence
from functools import lru_cache

Kind = str
"""Whose words they are: "any" describe the whole, the others an instrument."""

_MEANT: dict[Kind, dict[str, str]] = {
    # tags of MagnaTagATune and of the Million Song Dataset: the phrases that ask for them
    "drums": {
        # that there are drums says nothing where every song has them: only which
        "jazz": "brushed drums, jazz drums",
        "beat, beats, electronic": "drum machine, electronic drums, 808, trap beat, boom bap",
        "beat, beats": "breakbeat, fast breaks, drum loop",
        "": "drums, acoustic drums, steel drum, steel drums, bass drum",
    },
    "bass": {
        "synth, electronic": "synth bass, deep synth bass, bass synth, bass and lead synth",
        "": "bass guitar, guitar bass, bass solo",
    },
    "pitched": {
        "guitar": (
            "guitar, guitars, guitarist, acoustic guitar, electric guitar, nylon guitar, steel guitar, "
            "riffs, clean electric guitar, muted guitar, pedal steel"
        ),
        "guitar, strings": "classical guitar, flamenco guitar, banjo, ukulele, mandolin",
        "guitar, rock": "distorted guitar, overdriven guitar, rock guitar, power chords",
        "guitar, rock, metal, loud": "heavy guitars",
        "guitar, acoustic": "fingerpicked guitar, acoustic guitars",
        "guitar, jazz": "jazz guitar",
        "guitar, blues": "slide guitar, bottleneck guitar",
        "piano": "piano, pianist, grand piano, upright piano, piano solo",
        "harpsichord": "harpsichord, clavichord",
        "strings": "strings, string section, string quartet, orchestra, orchestral",
        "strings, synth": "synth strings",
        "violin, strings": "violin, violins, fiddle, viola",
        "cello, strings": "cello, cellos, violoncello",
        "harp": "harp, harpist",
        "flute": "flute, flutes, pan flute, piccolo, recorder, whistle, shakuhachi",
        "sitar, indian": "sitar",
        "choir, choral": "choir, choirs, choral, chorale, gregorian",
        "synth, electronic": (
            "synth, synths, synthesizer, synthesiser, analog synths, polysynth, saw lead, square lead, "
            "synth brass, synth pad, pad, warm pad, new age pad"
        ),
        "solo": "solo",
        "": "electric piano, rock organ, french horn",
    },
    "voices": {
        "opera": "opera, operatic, aria",
        "vocal, vocals, voice, singing": "vocals, vocal, voice, singing, singer, sung",
        "female vocal, female voice, female vocalists, female vocalist, female, woman": (
            "female vocals, female voice, female vocal, female singer"
        ),
        "male vocal, male voice, male vocalists, male, man": (
            "male vocals, male voice, male vocal, male singer"
        ),
    },
    "any": {
        "classical, classic": "classical, baroque, chamber music",
        "techno, electronic, dance": "techno, trance, rave, acid",
        "house, electronic, dance, techno": (
            "house, deep house, disco, four on the floor, club, dance floor, edm"
        ),
        "electronic, electronica, fast, techno": "drum and bass, drum & bass, jungle",
        "electronic, electronica, synth": "electronic, electronica, idm",
        "electronic, pop, synth, dance": "synthpop, synth pop, electropop, electronic pop",
        "electronic, synth, 80s": "synthwave, retrowave",
        "electro, electronic": "electro",
        "hip-hop, beat, beats": "hip hop, hip-hop, rap, trap, instrumental hip hop",
        "rnb, soul": "rnb, r&b",
        "soul": "soul, motown, soulful",
        "funk": "funk, funky",
        "jazz": "jazz, swing, bebop, latin jazz, bossa nova, jazz club, big band",
        "blues": "blues, bluesy, bluesy licks, blue notes",
        "country": "country, americana, bluegrass, honky-tonk",
        "folk, acoustic": "folk, folky, singer-songwriter",
        "acoustic": "acoustic",
        "indian": "indian, raga, bollywood",
        "rock": "rock, rock and roll",
        "rock, hard rock, metal, loud": "hard rock, heavy rock",
        "metal, heavy metal, rock, loud": "metal, heavy metal, thrash",
        "punk, rock, loud, fast": "punk",
        "classic rock, rock, 70s": "classic rock, seventies rock",
        "indie, alternative": "indie, alternative",
        "pop": "pop",
        "60s, oldies": "sixties, 60s, oldies",
        "70s": "seventies, 70s",
        "80s": "eighties, 80s",
        "90s": "nineties, 90s",
        "new age, ambient": "new age, meditation",
        "ambient, chillout, chill": "ambient, atmospheric, drone, soundscape",
        "chill, chillout, soft": "chill, chilled, chillout, lo-fi, lofi, lounge, laid-back, relaxed",
        "dance, party": "dance, party, danceable",
        "experimental, weird": "experimental, weird, strange, avant-garde, noise",
        "slow": "slow, ballad, largo, adagio, downtempo",
        "fast": "fast, presto, allegro, uptempo, up-tempo",
        "quiet, soft": "quiet, soft, gentle, tender, calm, delicate, intimate, peaceful",
        "loud": "loud, aggressive, intense, powerful",
        "sad": "sad, melancholic, melancholy, wistful, heartbreak",
        "happy": "happy, joyful, cheerful, uplifting",
        "mellow": "mellow, warm, smooth",
        "beautiful": "beautiful",
        "catchy": "catchy",
        "easy listening": "easy listening, easy-going",
        "no vocals, no vocal, no voice, instrumental": "instrumental, no vocals, without vocals, no singing",
        "": "rock solid, soft percussion, heavy metal bars",
    },
}
"""Kind → tags → phrases. A longer phrase hides the shorter ones in it, even where it asks for nothing."""

KINDS: dict[str, tuple[Kind, ...]] = {
    "mix": tuple(_MEANT),
    "drums": ("drums", "any"),
    "bass": ("bass", "any"),
    "instrument": ("pitched", "any"),
    "melody": ("pitched", "voices", "any"),
}
"""Part → kinds of words that speak of it. Whether instrument or melody has the guitar, no prompt tells."""


def asked_tags(prompt: str, vocabulary: Sequence[str], part: str = "mix") -> frozenset[str]:
    """The tags of a vocabulary (`musicnn.TAGS`) that a prompt's words ask of a part; often none.

    A track of another name than those of `KINDS` is asked what the mix is.
    """
    kinds = KINDS.get(part, KINDS["mix"])
    table = _table()
    found = [table[phrase] for phrase in _pattern().findall(prompt.lower())]
    return frozenset(tag for kind, tags in found if kind in kinds for tag in tags if tag in vocabulary)


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[Kind, tuple[str, ...]]]:
    """Phrase → its kind and tags."""
    return {
        phrase: (kind, tuple(filter(None, tags.split(", "))))
        for kind, meant in _MEANT.items()
        for tags, phrases in meant.items()
        for phrase in phrases.split(", ")
    }


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """Any phrase as whole words, the longest first."""
    longest_first = sorted(_table(), key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])")

"""General MIDI programs and drum kits, as prompts name them."""

PROGRAMS: tuple[str, ...] = (
    *("piano", "bright piano", "electric grand piano", "honky-tonk piano"),
    *("electric piano", "chorused electric piano", "harpsichord", "clavinet"),
    *(
        "celesta",
        "glockenspiel",
        "music box",
        "vibraphone",
        "marimba",
        "xylophone",
        "tubular bells",
        "dulcimer",
    ),
    *("drawbar organ", "percussive organ", "rock organ", "church organ"),
    *("reed organ", "accordion", "harmonica", "bandoneon"),
    *("nylon guitar", "steel guitar", "jazz guitar", "clean electric guitar"),
    *("muted guitar", "overdriven guitar", "distorted guitar", "guitar harmonics"),
    *("upright bass", "finger bass", "picked bass", "fretless bass"),
    *("slap bass", "slap bass", "synth bass", "deep synth bass"),
    *("violin", "viola", "cello", "contrabass", "tremolo strings", "pizzicato strings", "harp", "timpani"),
    *("strings", "slow strings", "synth strings", "synth strings"),
    *("choir", "voice oohs", "synth voice", "orchestra hit"),
    *(
        "trumpet",
        "trombone",
        "tuba",
        "muted trumpet",
        "french horn",
        "brass section",
        "synth brass",
        "synth brass",
    ),
    *("soprano sax", "alto sax", "tenor sax", "baritone sax", "oboe", "english horn", "bassoon", "clarinet"),
    *("piccolo", "flute", "recorder", "pan flute", "blown bottle", "shakuhachi", "whistle", "ocarina"),
    *("square lead", "saw lead", "calliope lead", "chiff lead"),
    *("charang lead", "voice lead", "fifths lead", "bass and lead synth"),
    *(
        "new age pad",
        "warm pad",
        "polysynth",
        "choir pad",
        "bowed pad",
        "metallic pad",
        "halo pad",
        "sweep pad",
    ),
    *("rain effects", "soundtrack pad", "crystal synth", "atmosphere pad"),
    *("bright synth", "goblins synth", "echo synth", "sci-fi synth"),
    *("sitar", "banjo", "shamisen", "koto", "kalimba", "bagpipe", "fiddle", "shanai"),
    *(
        "tinkle bell",
        "agogo",
        "steel drums",
        "wood block",
        "taiko",
        "melodic toms",
        "synth drum",
        "reverse cymbal",
    ),
    *("fret noise", "breath noise", "seashore", "birds", "telephone", "helicopter", "applause", "gunshot"),
)

KITS: dict[int, str] = {
    0: "acoustic drums",
    8: "room drums",
    16: "power drums",
    24: "electronic drums",
    25: "drum machine",
    32: "jazz drums",
    40: "brushed drums",
    48: "orchestral drums",
}
"""Drum kits by their program number."""
"""Program number from 0 → words."""


def instrument_words(program: int, is_drum: bool = False) -> str:
    """What prompts call a part: the program's instrument, or "drums"; empty for a number beyond 127."""
    if is_drum:
        return "drums"
    return PROGRAMS[program] if 0 <= program < len(PROGRAMS) else ""

"""Genres of acoustic ensembles."""

from stemwright_platform.corpus.demo.genre import Genre, Groove

JAZZ = Genre(
    name="jazz",
    tempo_bpm=(92, 188),
    steps_per_beat=3,
    looseness_ms=8.0,
    form="strophic",
    can_miss=("drums", "instrument"),
    progressions={
        "major": (
            "ii7 | V7 | Imaj7 | vi7",
            "Imaj7 vi7 | ii7 V7 | iii7 vi7 | ii7 V7",
            "Imaj7 | IVmaj7 | iii7 vi7 | ii7 V7",
        ),
        "minor": ("i7 | iim7b5 V7b9 | i7 | i7", "iv7 | bVII7 | bIIImaj7 | bVImaj7 | iim7b5 | V7b9 | i6 | i6"),
        "dorian": ("i7 | i7 | i9 | IV7",),
    },
    grooves=(
        Groove(
            drums={
                "ride": "x..x.xx..x.x",
                "pedal hat": "...x.....x..",
                "kick": "o..o..o..o..",
                "snare": "........o...",
            },
            bass=("walk",),
            comping=("..X.....x...", "X-...x......", "x--..X......x....x......"),
            keywords=("swing",),
        ),
        Groove(
            drums={
                "ride": "x..x..x..x.x",
                "pedal hat": "...x.....x..",
                "rim": ".........x..",
                "kick": "x.....x.....",
            },
            bass=("R-----5-----", "R-----3--a--", "walk"),
            comping=("X-----x-----", "...X-....x--"),
            keywords=("swing",),
        ),
    ),
    kits=(32, 40, 0),
    bass_programs=(32,),
    comping_programs=(0, 26, 11),
    melody_programs=(66, 65, 56, 59, 11, 71, 26),
    rhythms=("x-xx-xx-xx--", "...x-xx-xx-x", "x--x-xx-....", "x-x......x-x", "x-----..xx--"),
    moods=("sophisticated", "cool"),
    keywords=("improvised solo", "extended chords"),
    themes=("jazz club", "night in the city", "cocktails"),
)

BOSSA_NOVA = Genre(
    name="bossa nova",
    tempo_bpm=(108, 144),
    looseness_ms=6.0,
    form="strophic",
    can_miss=("drums",),
    progressions={
        "major": (
            "Imaj7 | Imaj7 | II7 | II7 | ii7 | V7 | Imaj7 | V7",
            "Imaj9 | vi7 | ii9 | V7b9",
            "Imaj7 | #ivm7b5 | IVmaj7 | iv6",
        ),
        "minor": ("i9 | iv7 | iim7b5 V7b9 | i9", "i7 | bVII9 | bVImaj7 | V7b9"),
    },
    grooves=(
        Groove(
            drums={"kick": "x..xx..xx..xx..x", "rim": "x..x..x...x..x..", "hat": "xoxoxoxoxoxoxoxo"},
            bass=("R--RR--55--55--R", "R-----5-R-----5-"),
            comping=("X--x--x-..X--x--", "x-.x--X-.x-.X---"),
        ),
        Groove(
            drums={"kick": "x.....x.x.....x.", "rim": "..x..x....x.x...", "shaker": "xoxoxoxoxoxoxoxo"},
            bass=("R-----5-5-----R-", "R-----R-5-----a-"),
            comping=("..X--x--..X-x---", "1-2-3-2-1-2-3-4-"),
        ),
    ),
    kits=(0, 40),
    bass_programs=(32, 33),
    comping_programs=(24, 4, 0),
    melody_programs=(73, 64, 24, 11, 66),
    rhythms=(
        "x---..x-x---x---",
        "..x-x-x---x-x---",
        "x--x--x-x-------",
        "x-----------x-x-",
        "..x-----x-x-x---",
    ),
    moods=("gentle", "romantic"),
    keywords=("latin", "syncopated", "soft percussion"),
    themes=("beach sunset", "café", "holiday"),
    also=("latin jazz",),
)

FOLK = Genre(
    name="folk",
    tempo_bpm=(84, 150),
    beats_per_bar=3,
    looseness_ms=7.0,
    can_miss=("bass", "drums"),
    progressions={
        "major": ("I | I | IV | I | I | vi | V | V", "I | V | vi | IV", "I | IV | I | V"),
        "dorian": ("i | bVII | i | bVII", "i | IV | bVII | i"),
        "minor": ("i | bVI | bVII | i", "i | iv | bVII | bIII"),
        "mixolydian": ("I | bVII | I | bVII",),
    },
    grooves=(
        Groove(
            drums={"kick": "x...........", "tambourine": "....x...x...", "shaker": "x.o.x.o.x.o."},
            bass=("R-----------", "R-------5---"),
            comping=("X---x---x---", "1-2-3-4-3-2-"),
        ),
        Groove(
            drums={"kick": "x.......x...", "rim": "....x...x...", "hat": "x.x.x.x.x.x."},
            bass=("R---5---5---", "R-------a---"),
            comping=("X-----x-x---", "1-3-2-3-4-3-"),
        ),
    ),
    kits=(0, 40),
    bass_programs=(32, 35),
    comping_programs=(25, 24, 105, 21),
    melody_programs=(40, 73, 21, 22, 75, 25),
    rhythms=("x---x-x-x---", "x-------x---", "x-x-x-x-x-x-", "x-----x-x---", "x-----------"),
    moods=("intimate", "pastoral"),
    keywords=("waltz", "acoustic", "three-four time"),
    themes=("countryside", "campfire", "childhood"),
)

COUNTRY = Genre(
    name="country",
    tempo_bpm=(92, 132),
    looseness_ms=6.0,
    progressions={
        "major": ("I | IV | V | I", "I | I | IV | IV | V | V | I | I", "I | vi | IV | V", "I | V | IV | I"),
        "mixolydian": ("I | bVII | IV | I",),
    },
    grooves=(
        Groove(
            drums={"kick": "x.......x.......", "snare": "..o.X.o...o.X.o.", "hat": "x.x.x.x.x.x.x.x."},
            bass=("R-------5-------", "R---....5---..a-", "R---3---5---3---"),
            comping=("....X-......X-..", "..x-X-x-..x-X-x-", "1-2-3-2-1-3-2-3-"),
            keywords=("train beat",),
        ),
        Groove(
            drums={"kick": "x.....x.x.......", "snare": "....X.......X...", "tambourine": "x.x.x.x.x.x.x.x."},
            bass=("R-----R-5-----5-", "kick"),
            comping=("X---x-x-X---x-x-", "X-------x-x-x---"),
        ),
    ),
    kits=(0, 8),
    bass_programs=(32, 33, 34),
    comping_programs=(25, 105, 0, 27),
    melody_programs=(40, 22, 27, 25),
    rhythms=("x---x-x-x---x---", "x-x-x-x-x---....", "..x-x---x-x-x---", "x-------x---x---"),
    melody_scale="pentatonic",
    moods=("easy-going", "honest"),
    keywords=("twang", "rural"),
    themes=("small town", "road trip", "home"),
    also=("americana",),
)

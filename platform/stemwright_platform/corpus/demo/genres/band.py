"""Genres of electric bands."""

from stemwright_platform.corpus.demo.genre import Genre, Groove

ROCK = Genre(
    name="rock",
    tempo_bpm=(96, 152),
    can_miss=("melody",),
    progressions={
        "major": ("I | V | vi | IV", "I | IV | V | IV", "vi | IV | I | V", "I | iii | IV | V"),
        "mixolydian": ("I | bVII | IV | I", "I | I | bVII | IV"),
        "minor": ("i | bVI | bIII | bVII", "i | bVII | bVI | bVII", "i | iv | bVI | V"),
    },
    grooves=(
        Groove(
            drums={"kick": "x.......x.x.....", "snare": "....X.......X...", "hat": "x.o.x.o.x.o.x.o."},
            bass=("R-R-R-R-R-R-R-R-", "kick", "R---R-R-R---5-a-"),
            comping=("X-----X-X-------", "X-x-X-x-X-x-X-x-", "X-------X-------"),
        ),
        Groove(
            drums={"kick": "x..x....x..x..x.", "snare": "....X.......X...", "ride": "x...x...x...x..."},
            bass=("kick", "R--R--R-R--R--a-"),
            comping=("X--X--X-X--X--X-", "X---------------"),
            keywords=("syncopated",),
        ),
        Groove(
            drums={"kick": "x.x.......x.....", "snare": "........X.......", "hat": "x...x...x...x..."},
            bass=("R-R-----R-R-5-a-", "kick"),
            comping=("X-----------x---", "1.2.3.2.1.2.3.2."),
            keywords=("half-time",),
        ),
    ),
    kits=(0, 8, 16),
    bass_programs=(33, 34),
    comping_programs=(27, 29, 30, 18),
    melody_programs=(29, 30, 27, 18),
    rhythms=(
        "x---x---x-x-x---",
        "x-x-x---....x---",
        "..x-x-x-x---x-x-",
        "x-------x-------",
        "x---x-x---x-x---",
    ),
    melody_scale="pentatonic",
    moods=("energetic", "powerful", "raw"),
    keywords=("driving", "live band", "riffs"),
    themes=("open road", "sport", "rebellion"),
)

BLUES = Genre(
    name="blues",
    tempo_bpm=(60, 116),
    steps_per_beat=3,
    looseness_ms=7.0,
    form="strophic",
    can_miss=("drums",),
    progressions={
        "mixolydian": (
            "I7 | I7 | I7 | I7 | IV7 | IV7 | I7 | I7 | V7 | IV7 | I7 | V7",
            "I7 | IV7 | I7 | I7 | IV7 | IV7 | I7 | I7 | V7 | IV7 | I7 IV7 | I7 V7",
            "I7 | I7 | IV7 | IV7 | V7 | IV7 | I7 | V7",
        ),
        "minor": ("i7 | iv7 | i7 | i7 | iv7 | iv7 | i7 | i7 | bVI7 | V7 | i7 | V7", "i7 | i7 | iv7 | V7"),
    },
    grooves=(
        Groove(
            drums={"kick": "x.....x.x...", "snare": "...X.....X..", "hat": "x.ox.ox.ox.o"},
            bass=("R--3--5--3--", "walk", "R-RR-R5-55-5"),
            comping=("X-xX-xX-xX-x", "X-----...X--", "..x..X..x..X"),
            keywords=("shuffle",),
        ),
        Groove(
            drums={
                "kick": "x....xx.....",
                "snare": "...X.....X..",
                "ride": "x.xx.xx.xx.x",
                "pedal hat": "...x.....x..",
            },
            bass=("walk", "R--5--7--5--", "R-----5--a--"),
            comping=("X----------.", "X--.....x...", "1..2..3..2.."),
            keywords=("twelve-eight feel",),
        ),
    ),
    kits=(0, 8, 40),
    bass_programs=(32, 33),
    comping_programs=(0, 16, 26, 25),
    melody_programs=(22, 26, 29, 66, 27),
    rhythms=("x--..xx-xx--", "x-xx-xx--...", "...x-xx-xx--", "x-----......", "x-xx--x-x---"),
    melody_scale="blues",
    moods=("soulful", "smoky"),
    keywords=("blue notes", "bluesy licks"),
    themes=("late night bar", "heartbreak", "crossroads"),
)

FUNK = Genre(
    name="funk",
    tempo_bpm=(92, 120),
    swing=(0.0, 0.25),
    can_miss=("melody",),
    progressions={
        "dorian": ("i7 | i7 | IV9 | IV9", "i9 | IV9", "i7 | i7 | i7 | bVII IV9"),
        "mixolydian": ("I9 | I9 | IV9 | I9", "I7 | bVII | IV9 | I7"),
        "minor": ("i7 | bVI7 V7", "i7 | iv7 | bVII9 | i7"),
    },
    grooves=(
        Groove(
            drums={"kick": "X..x......x..x..", "snare": "....X..o.o..X..o", "hat": "xoxoxoxoxoxoxoxo"},
            bass=("R..8..R...7.R.a.", "R.R...8.R..5..7.", "kick"),
            comping=("..x..x..x..x..x.", "X..x..x...X..x..", "....X.x.....X.x."),
        ),
        Groove(
            drums={
                "kick": "X.x.......x.....",
                "snare": "....X..o....X...",
                "open hat": "..............x.",
                "hat": "x.x.x.x.x.x.x...",
            },
            bass=("R--.8.R..R.5.7.a", "R...R.8...7-5-a-"),
            comping=("x.x...x.x.x...x.", "..X...X...X...X."),
        ),
    ),
    kits=(0, 8),
    bass_programs=(36, 33),
    comping_programs=(7, 28, 4, 27),
    melody_programs=(61, 65, 66, 56, 17),
    rhythms=("x.x-..x-x.......", "..x-x.x-....x-x-", "x-x.x-x.x---....", "x---....x.x.x---"),
    melody_scale="pentatonic",
    moods=("groovy", "playful"),
    keywords=("syncopated", "tight rhythm section", "ghost notes"),
    themes=("street party", "seventies", "dance floor"),
)

REGGAE = Genre(
    name="reggae",
    tempo_bpm=(68, 92),
    swing=(0.0, 0.2),
    can_miss=("melody",),
    progressions={
        "major": ("I | IV | I | V", "I | vi | ii | V", "I | IV"),
        "minor": ("i | iv", "i | bVII", "i | i | iv | V"),
        "dorian": ("i | IV | i | bVII",),
    },
    grooves=(
        Groove(
            drums={"kick": "........X.......", "rim": "........X.......", "hat": "x.x.x.x.x.x.x.x."},
            bass=("....R-R-R---5-3-", "R--R--5-....3-5-", "R---....R-5-8---"),
            comping=("....X.......X...", "....X.x.....X.x."),
            keywords=("one drop",),
        ),
        Groove(
            drums={"kick": "x...x...x...x...", "rim": "........X.......", "hat": "..x...x...x...x."},
            bass=("R---R-3-5---R---", "R--R--R-....5-a-"),
            comping=("..X...X...X...X.", "....X.......X..."),
            keywords=("steppers",),
        ),
    ),
    kits=(0, 8),
    bass_programs=(33, 35),
    comping_programs=(16, 27, 28, 0),
    melody_programs=(57, 22, 65, 17, 66),
    rhythms=("x---x-x-x---....", "....x-x-x---x---", "x-----x-x-------", "x-x-x---........"),
    moods=("laid-back", "easy-going"),
    keywords=("off-beat skank", "deep bass"),
    themes=("beach", "summer", "island"),
)

SOUL = Genre(
    name="soul",
    tempo_bpm=(66, 108),
    swing=(0.0, 0.15),
    looseness_ms=7.0,
    progressions={
        "major": (
            "Imaj7 | vi7 | ii7 | V7",
            "Imaj7 | iii7 | IVmaj7 | V7",
            "I | I7 | IV | iv",
            "IVmaj7 | iii7 | ii7 | Imaj7",
        ),
        "minor": ("i9 | iv9 | bVII | bIII", "i7 | bVImaj7 | iv7 | V7"),
    },
    grooves=(
        Groove(
            drums={
                "kick": "x.....x.x.......",
                "snare": "....X.......X...",
                "hat": "x.x.x.x.x.x.x.x.",
                "tambourine": "....x.......x...",
            },
            bass=("R-----R-8-7-5-3-", "R---3-5-R---5-a-", "kick"),
            comping=("X-------X--x----", "x---x---x---x---", "1-2-3-4-3-2-1-2-"),
        ),
        Groove(
            drums={"kick": "x..x......x.....", "snare": "....X..o....X...", "ride": "x.x.x.x.x.x.x.x."},
            bass=("R--R--5-....7-a-", "kick"),
            comping=("X--x--X-----x---", "....X-......X-.."),
        ),
    ),
    kits=(0, 8, 40),
    bass_programs=(33, 35),
    comping_programs=(4, 16, 0, 48),
    melody_programs=(65, 66, 61, 73, 52),
    rhythms=("x---x-x---x-x---", "..x-x-x-x-------", "x-----x-x-x-....", "x-------....x-x-"),
    melody_scale="pentatonic",
    moods=("warm", "heartfelt"),
    keywords=("smooth", "rich chords"),
    themes=("love", "city evening", "memories"),
)

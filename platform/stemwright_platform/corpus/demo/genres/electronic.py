"""Genres of machines."""

from stemwright_platform.corpus.demo.genre import Genre, Groove

HOUSE = Genre(
    name="house",
    tempo_bpm=(118, 130),
    swing=(0.0, 0.2),
    looseness_ms=0.5,
    form="club",
    can_miss=("melody",),
    progressions={
        "minor": ("i7 | i7 | bVImaj7 | bVII", "i9 | iv9", "iv7 | bVII | bIIImaj7 | bVImaj7"),
        "dorian": ("i7 | IV9", "i9 | i9 | IV9 | IV9"),
        "major": ("IVmaj7 | V | iii7 | vi7", "ii7 | iii7 | IVmaj7 | V"),
    },
    grooves=(
        Groove(
            drums={
                "kick": "X...X...X...X...",
                "clap": "....X.......X...",
                "open hat": "..x...x...x...x.",
                "hat": "xo.oxo.oxo.oxo.o",
            },
            bass=("..R-..R-..R-..8-", "..R-..8-..R.8.a."),
            comping=("X..x..x...X..x..", "..X...X...X...X.", "X---------------"),
        ),
        Groove(
            drums={
                "kick": "X...X...X...X...",
                "clap": "....X.......X..x",
                "shaker": "xoxoxoxoxoxoxoxo",
                "open hat": "..x...x...x...x.",
            },
            bass=("R..R..R...R.8...", ".RR..RR..RR..R8.", "R-.8-.R-.8-.R-8-"),
            comping=("x--x--x-x--x--x-", "1.2.3.4.3.2.3.4."),
        ),
    ),
    kits=(24, 25),
    bass_programs=(38, 39),
    comping_programs=(0, 4, 50, 90, 17),
    melody_programs=(80, 81, 52, 11, 90),
    rhythms=("x--x--x-........", "..x-..x-x--x--x-", "x-x.x-x.........", "x-------x-------"),
    moods=("hypnotic", "driving"),
    keywords=("four on the floor", "club", "off-beat hats"),
    themes=("night club", "party", "city lights"),
    also=("electronic",),
)

HIP_HOP = Genre(
    name="hip hop",
    tempo_bpm=(76, 98),
    swing=(0.1, 0.35),
    looseness_ms=3.0,
    can_miss=("melody",),
    progressions={
        "minor": ("i | bVI", "i7 | iv7", "i | bVI | bIII | bVII", "i9 | bVImaj7 | iv9 | V7"),
        "phrygian": ("i | bII", "i | bII | i | bvii"),
        "dorian": ("i7 | IV7", "i9 | ii7"),
    },
    grooves=(
        Groove(
            drums={"kick": "X..x......x..x..", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            bass=("kick", "R--R------R-5---"),
            comping=("X-------x-------", "X--x--------x---", "1-2-3---1-2-4---"),
            keywords=("boom bap",),
        ),
        Groove(
            drums={"kick": "X.....x...x.....", "clap": "........X.......", "hat": "x.x.x.xxx.x.xxxx"},
            bass=("R-----R---8-----", "kick", "R---------7-5-a-"),
            comping=("X---------------", "1-3-2-3-1-3-2-4-"),
            keywords=("trap beat",),
        ),
    ),
    kits=(25, 24, 0),
    bass_programs=(38, 39, 33),
    comping_programs=(4, 0, 48, 11, 24),
    melody_programs=(80, 73, 11, 59, 52, 12),
    rhythms=("x---..x-x---....", "x-x-x---........", "....x--x--x-x---", "x-------..x-x---"),
    melody_scale="pentatonic",
    moods=("gritty", "chilled"),
    keywords=("beat", "loop", "laid-back groove"),
    themes=("street", "late night drive", "study"),
    also=("instrumental hip hop",),
)

SYNTHPOP = Genre(
    name="synthpop",
    tempo_bpm=(104, 136),
    looseness_ms=0.5,
    progressions={
        "major": ("I | V | vi | IV", "vi | IV | I | V", "I | iii | vi | IV"),
        "minor": ("i | bVI | bIII | bVII", "i | bVII | bVI | bVII", "bVI | bVII | i | i"),
        "lydian": ("I | II | vi | I",),
    },
    grooves=(
        Groove(
            drums={
                "kick": "X...X...X...X...",
                "snare": "....X.......X...",
                "hat": "x.x.x.x.x.x.x.x.",
                "open hat": "..............x.",
            },
            bass=("R-8-R-8-R-8-R-8-", "R.R.R.R.R.R.R.R.", "R-R-8-R-R-8-R-a-"),
            comping=("X---------------", "1.2.3.4.1.2.3.4.", "X--X--X---------"),
        ),
        Groove(
            drums={
                "kick": "X.....x.X.......",
                "snare": "....X.......X...",
                "clap": "....x.......x...",
                "hat": "xoxoxoxoxoxoxoxo",
            },
            bass=("kick", "RRR.RRR.RRR.8.a."),
            comping=("X-------X-------", "4.3.2.1.4.3.2.1.", "..X-..X-..X-..X-"),
        ),
    ),
    kits=(24, 25, 16),
    bass_programs=(38, 39, 87),
    comping_programs=(50, 90, 88, 62, 89),
    melody_programs=(80, 81, 62, 87),
    rhythms=("x---x-x-x-------", "x-x-x-x-x---x---", "..x-x-x---x-x---", "x-----x-----x---"),
    moods=("nostalgic", "glossy"),
    keywords=("eighties", "analog synths", "catchy hook"),
    themes=("neon lights", "arcade", "night drive"),
    also=("electronic pop",),
)

DRUM_AND_BASS = Genre(
    name="drum and bass",
    tempo_bpm=(164, 176),
    looseness_ms=0.5,
    form="club",
    can_miss=("melody",),
    progressions={
        "minor": ("i | i | bVI | bVII", "i9 | i9 | iv9 | iv9", "i | bIII | bVII | iv"),
        "phrygian": ("i | i | bII | i",),
        "dorian": ("i7 | i7 | IV | IV",),
    },
    grooves=(
        Groove(
            drums={"kick": "X.........x.....", "snare": "....X.......X...", "hat": "x.x.x.x.x.x.x.x."},
            bass=("R---------R-----", "R-------8---7---", "kick"),
            comping=("X---------------", "X-----------x---"),
        ),
        Groove(
            drums={"kick": "X.x.......x.....", "snare": "....X..o.o..X..o", "ride": "x...x...x...x..."},
            bass=("R-----R---5-----", "R-R---..R-R-..a-"),
            comping=("X-------X-------", "..X.....x.......", "1---3---2---4---"),
            keywords=("breakbeat",),
        ),
    ),
    kits=(24, 0, 16),
    bass_programs=(39, 38, 87),
    comping_programs=(89, 88, 50, 4),
    melody_programs=(81, 80, 11, 90, 52),
    rhythms=("x-------x---....", "x---x---x-------", "x-----x-----x---", "........x---x---"),
    melody_scale="pentatonic",
    moods=("intense", "futuristic"),
    keywords=("rolling bass", "fast breaks"),
    themes=("chase", "video game", "technology"),
    also=("electronic",),
)

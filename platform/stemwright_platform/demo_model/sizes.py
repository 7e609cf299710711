"""How much of everything goes into the model that ships: all numbers to turn stand here."""

SONGS, SONG_S, SEED = 2_400, 20.0, 6
"""Of the demo corpus."""
VARIANTS = 1
"""Renderings of each MIDI file."""
MIDI_WEIGHT = 0.25
"""Samples of the rendered songs for each of the demo corpus."""
CODEC_STEPS = 16_000
PRESET, HOURS = "demo", 6.0
"""What is trained, and how long where neither hours nor steps are asked for."""
SCALES = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0)
"""λ to try."""
SWEEP_CLIPS, SWEEP_TAKES, SWEEP_CLIP_S = 16, 1, 8.0
EVALUATION_CLIPS, EVALUATION_CLIP_S = 64, 8.0
PATCHES, COHERENCE_SONGS = 2_000, 48
"""Of the assessment: embeddings on either side of a Fréchet distance, windows with a track made anew."""

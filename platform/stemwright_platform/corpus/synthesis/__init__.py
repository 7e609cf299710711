"""Notes to sound with General MIDI sound fonts. Needs no Ray and no torch."""

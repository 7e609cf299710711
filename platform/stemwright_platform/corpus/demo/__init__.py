"""The demo corpus's music: arrangements by rule, rendered with a sound font. Needs no Ray and no torch."""

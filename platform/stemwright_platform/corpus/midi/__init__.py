"""General MIDI files as songs with stems: reading, slots, variants, rendering."""

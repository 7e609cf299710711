"""The demo: the main job end to end, and its report page."""

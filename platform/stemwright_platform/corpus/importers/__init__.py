"""Importers: one corpus layout a file, each giving the songs of a manifest."""

"""Stemwright's platform: corpora, training, serving and sweeps of the model library on Ray."""

"""Blind listening tests: a page that asks which of two clips is preferred, and what the answers say."""

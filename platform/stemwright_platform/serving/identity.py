"""Names for rows and blobs."""

import secrets


def new_id() -> str:
    """80 random bits: not to be guessed, short enough to read out."""
    return secrets.token_hex(10)

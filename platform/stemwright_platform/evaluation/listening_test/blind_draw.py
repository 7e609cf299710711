"""Names and sides that tell nothing to whoever does not have the secret."""

import hashlib
import hmac


class BlindDraw:
    """Draws that a secret decides: the same for the same secret, and no seed that could be guessed."""

    def __init__(self, secret: str) -> None:
        """`secret`: it goes into the key, never into the page."""
        self._secret = secret.encode()

    def name(self, of: str) -> str:
        """An opaque name, 16 hexadecimal digits."""
        return self._digest(f"name {of}").hex()[:16]

    def flips(self, of: str) -> bool:
        """Whether a pair's clips change sides."""
        return bool(self._digest(f"side {of}")[0] & 1)

    def _digest(self, of: str) -> bytes:
        return hmac.new(self._secret, of.encode(), hashlib.sha256).digest()

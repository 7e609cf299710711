"""The studio: the built files of web/, at the root of the API's own server."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "studio"
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",  # waveforms bring their own style sheet
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def add_studio(app: FastAPI) -> None:
    """`/` and what it loads. Browsers keep the files, and ask each time whether they are still the newest."""
    app.mount("/assets", _Assets(directory=FOLDER / "assets"), name="assets")

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(FOLDER / "index.html", headers={**_HEADERS, "Cache-Control": "no-cache"})

    @app.get("/icon.svg", include_in_schema=False)
    def icon() -> FileResponse:
        return FileResponse(FOLDER / "icon.svg", headers={**_HEADERS, "Cache-Control": "max-age=86400"})


class _Assets(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update({**_HEADERS, "Cache-Control": "no-cache"})
        return response

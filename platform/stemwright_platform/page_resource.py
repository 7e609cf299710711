"""Styles, scripts and templates of pages, which ship beside the code that fills them."""

from importlib import resources


def page_resource(package: str, name: str) -> str:
    """The text of a file of a package of ours, as ("demo", "report.css")."""
    return (resources.files(f"stemwright_platform.{package}") / name).read_text(encoding="utf-8")

"""Venues installed from outside the tree: a module and its entry point, in a folder to import."""

from pathlib import Path


def plug_in(site: Path, name: str, *, source: str, factory: str) -> None:
    """Put the module `{name}_venue` there with the entry point `name`, as an installer would."""
    (site / f"{name}_venue.py").write_text(source)
    metadata = site / f"{name}_venue-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-venue\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[order_engine.venues]\n{name} = {name}_venue:{factory}\n"
    )

"""An export as a folder or as one zip file: the five tables, what must be known to read them, and the protocol."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Literal

from upturn import records as tables
from upturn_clinic.exports.queries import Export

__all__ = ["ABOUT", "PROTOCOL", "Format", "write_folder", "zipped"]

Format = Literal["csv", "parquet"]
ABOUT, PROTOCOL = "about.json", "protocol.yaml"
# The same bytes for the same records: a zip file's own earliest time.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_folder(export: Export, folder: Path, *, kind: Format) -> Path:
    """Write an export into a new or empty folder.

    Raises
    ------
    OutputError
        The folder is taken or cannot be written.
    """
    tables.write(export.records, folder, format=kind)
    about = json.dumps(dict(export.about), ensure_ascii=False, indent=1)
    folder.joinpath(ABOUT).write_text(about + "\n", encoding="utf-8")
    if export.version is not None:
        folder.joinpath(PROTOCOL).write_text(export.version.document, encoding="utf-8")
    return folder


def zipped(export: Export, *, kind: Format) -> bytes:
    """Write an export as one zip file."""
    held = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="upturn-export-") as place:
        folder = write_folder(export, Path(place, "records"), kind=kind)
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                entry = zipfile.ZipInfo(f"records/{file.name}", NO_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
    return held.getvalue()

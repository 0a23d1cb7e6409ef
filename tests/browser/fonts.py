"""Two sets of fonts that a reader may have, each alone: a page's layout may not hang on one of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")


@dataclass(frozen=True)
class FontSet:
    """Families for `sans-serif`, `serif` and `monospace`; `files` are one font of each family that must be there."""

    name: str
    files: tuple[str, ...]
    sans: str
    serif: str
    mono: str
    packages: str


SETS = (
    FontSet(
        "dejavu", ("DejaVuSans.ttf",), "DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono", packages="fonts-dejavu-core"
    ),
    FontSet(
        "liberation-noto",
        ("LiberationSans-Regular.ttf", "NotoSans-Regular.ttf"),
        "Noto Sans",
        "Noto Serif",
        "Liberation Mono",
        packages="fonts-liberation fonts-noto-core",
    ),
)


def environment(fonts: FontSet, folder: Path) -> dict[str, str]:
    """The environment of a browser that sees these fonts alone, by a fontconfig file in `folder`; skips where they are missing."""
    folders = []
    for name in fonts.files:
        places = [path.parent for root in FOLDERS for path in sorted(root.rglob(name))]
        if not places:
            pytest.skip(f"{name} is not installed: apt-get install {fonts.packages}")
        folders.append(places[0])
    aliases = {"system-ui": fonts.sans, "sans-serif": fonts.sans, "serif": fonts.serif, "monospace": fonts.mono}
    config = folder / f"{fonts.name}.conf"
    config.write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        + "".join(f"<dir>{escape(str(place))}</dir>\n" for place in folders)
        + '<include ignore_missing="yes">/etc/fonts/conf.d</include>\n'
        + f"<cachedir>{escape(str(folder / fonts.name))}</cachedir>\n"
        + "".join(
            f'<alias binding="same"><family>{generic}</family><prefer><family>{family}</family></prefer></alias>\n'
            for generic, family in aliases.items()
        )
        + "</fontconfig>\n",
        encoding="utf-8",
    )
    return {**os.environ, "FONTCONFIG_FILE": str(config)}

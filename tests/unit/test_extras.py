"""What some formats need beside the package is named, with the way to install it; archives are bounded."""

from __future__ import annotations

import io
import shlex
import sys
import zipfile
from pathlib import Path

import pytest

from harness.data.formats import archive
from harness.data.formats.archive import members, members_of
from harness.data.formats.extras import extra
from harness.errors import DataError, HarnessError
from harness.runtime import install


def hint_for(library: str) -> str | None:
    with pytest.raises(HarnessError) as error:
        extra(library, "dkpro-cassis", "UIMA CAS XMI")
    assert error.value.message == "UIMA CAS XMI needs dkpro-cassis, which is not installed"
    return error.value.hint


def test_a_missing_library_says_how_to_install_it_where_the_harness_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "cassis", None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr(install, "CHECKOUT", tmp_path)
    monkeypatch.setattr(install, "is_checkout", lambda: True)
    monkeypatch.chdir(tmp_path)
    assert hint_for("cassis") == ".venv/bin/python -m pip install -e '.[formats]'"
    # from another folder
    monkeypatch.chdir("/")
    assert hint_for("cassis") == shlex.join(
        [str(tmp_path / ".venv/bin/python"), "-m", "pip", "install", "-e", f"{tmp_path}[formats]"]
    )
    monkeypatch.setattr(install, "is_checkout", lambda: False)
    monkeypatch.chdir(tmp_path)
    assert hint_for("cassis") == ".venv/bin/python -m pip install 'stance-harness[formats]'"


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, raw in files.items():
            made.writestr(name, raw)
    return out.getvalue()


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.zip").write_bytes(zipped(a=b"\0" * 10_000))
    with members(tmp_path / "x.zip", 10_000) as opened:
        assert opened.read("a") == b"\0" * 10_000
    with pytest.raises(DataError, match="unpacks to 10,000 bytes in 1 files"), members(tmp_path / "x.zip", 9_999):
        pass
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    with pytest.raises(DataError, match="in 2 files"), members_of(zipped(a=b"", b=b""), "inner.zip"):
        pass


def test_a_member_that_is_torn_or_not_there(tmp_path: Path) -> None:
    raw = zipped(a=b"war and peace" * 50)
    (tmp_path / "x.zip").write_bytes(raw.replace(raw[40:50], b"\xff" * 10))
    with members(tmp_path / "x.zip") as opened:
        with pytest.raises(DataError, match="a: cannot be read"):
            opened.read("a")
        with pytest.raises(DataError, match="b: is not in the archive"):
            opened.read("b")

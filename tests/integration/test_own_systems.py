"""Systems of a user's own: by a folder of configs, and by the file that their class stands in."""

from __future__ import annotations

from pathlib import Path

from harness.results.records import read_record
from tests.conftest import Harness

MINE = """
from harness.systems.base import System
from harness.types import Answer, Stance


class Mine(System):
    kind = "stance"

    def reads(self, item, dataset):
        return {"text": item.article.text}

    def answer(self, items, context):
        return [Answer("oppose", label=Stance.OPPOSE) for _ in items]
"""


def test_a_class_in_a_file_runs_where_it_may(river: Path, harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(MINE, encoding="utf-8")
    args = ("run", "dataset.path=river", "split=all", "summariser=none", "stance.class=my.py:Mine")
    refused = harness(*args, code=1).stderr
    assert "allow_code=true" in refused
    assert not (tmp_path / "results").exists()
    harness(*args, "allow_code=true")
    [path] = (tmp_path / "results" / "runs").glob("*/record.json")
    [use] = read_record(path).systems
    assert (use.name, use.n_items, use.n_failed) == ("mine", 12, 0)
    # an edited file is another system
    (tmp_path / "my.py").write_text(MINE.replace("OPPOSE", "SUPPORT"), encoding="utf-8")
    # it reads the text alone, so one answer an article serves its four pairs
    assert "3 of 12 answers computed" in harness(*args, "allow_code=true").stderr
    assert "it has: Mine" in harness(*args[:-1], "stance.class=my.py:Yours", "allow_code=true", code=1).stderr


def test_configs_of_ones_own_are_listed_and_run_in_any_order(river: Path, harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "D" / "stance").mkdir(parents=True)
    config = "name: mine\nadapter: sentiment\ndescription: bold\nfull: 0.9\n"
    (tmp_path / "D" / "stance" / "mine.yaml").write_text(config, encoding="utf-8")
    assert "bold" in harness("list", "systems", "--config-dir", "D").stdout
    harness("run", "stance=mine", "--config-dir", "D", "limit=2", "dataset.path=river", "split=all", "summariser=none")
    [path] = (tmp_path / "results" / "runs").glob("*/record.json")
    record = read_record(path)
    assert record.systems[0].name == "mine"
    assert record.dataset is not None and len(record.dataset.articles) == 2


def test_a_forgotten_dataset_folder_is_recognised(harness: Harness, tmp_path: Path) -> None:
    folder = tmp_path / "my texts, June"
    folder.mkdir()
    (folder / "Op-ed (final).txt").write_text("General Ulf Olm warned of war.\n", encoding="utf-8")
    said = harness("run", f"dataset.path={folder.name}", "stance=sentiment").stderr
    assert "holds plain texts: read as dataset=folder does" in said
    # one file, named as it is
    harness("run", f"dataset.path={folder.name}/Op-ed (final).txt", "stance=sentiment", "articles=op-ed-final")

"""A dataset grows and its labels change: earlier runs stay comparable on the articles that are as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.report.collect import load_runs
from harness.report.head import problem_lines, state_lines
from harness.runs.again import commands_again
from harness.runs.shared import shared_runs
from harness.runs.sweep import run
from tests.conftest import write_dataset


def add_article(river: Path) -> None:
    old = (river / "articles" / "river-1.yaml").read_text(encoding="utf-8")
    new = old.replace("river-1", "river-9").replace("event-1", "event-9").replace("month 1", "month 9")
    (river / "articles" / "river-9.yaml").write_text(new, encoding="utf-8")


def change_label(river: Path) -> None:
    path = river / "articles" / "river-0.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("stance: oppose", "stance: lean_oppose", 1), encoding="utf-8"
    )


def asked(river: Path, out: Path, stance: str, **fields: object) -> str:
    [record] = run(stance=stance, results=str(out), **{"dataset.path": str(river), "split": "all", **fields})
    assert record.status == "complete", record.error
    return record.run_id


def test_all_earlier_runs_are_compared_on_the_shared_articles_after_one_came(river: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    earlier = [asked(river, out, name) for name in ("sentiment", "name_only")]
    add_article(river)
    asked(river, out, "sentiment")
    runs = load_runs(out)
    assert sorted(r.run_id for r, _ in runs.stale) == sorted(earlier)
    assert all("river-9 came" in why for _, why in runs.stale)
    shared = shared_runs(out)
    assert shared.articles == ("river-0", "river-1", "river-2")
    # name_only learned from the labels of other events, which are other ones now
    assert [run_id for run_id, _ in shared.left_out] == [earlier[1]]
    compared = load_runs(out, shared.run_ids)
    assert [row.name for row in compared.rows("stance")] == ["sentiment"]
    # what was scored again for that report is none of the runs of the folder's own report
    assert load_runs(out).records == runs.records


def test_two_systems_of_two_states_stand_side_by_side(river: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked(river, out, "sentiment")
    add_article(river)
    asked(river, out, "sentiment", **{"stance.lean": 0.2, "stance.name": "strict"})
    shared = shared_runs(out)
    compared = load_runs(out, shared.run_ids)
    assert [row.name for row in compared.rows("stance")] == ["sentiment", "strict"]
    assert len(compared.articles) == 3
    assert shared_runs(out) == shared


def test_a_changed_label_drops_that_article_alone(river: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked(river, out, "sentiment")
    change_label(river)
    asked(river, out, "sentiment", **{"stance.lean": 0.2, "stance.name": "strict"})
    [(_, why)] = load_runs(out).stale
    assert "river-0 changed" in why
    assert shared_runs(out).articles == ("river-1", "river-2")


def test_runs_on_the_same_articles_are_compared_though_the_set_grew(river: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked(river, out, "sentiment", split="dev")
    learned = asked(river, out, "majority", split="dev")
    add_article(river)
    asked(river, out, "sentiment", split="dev", **{"stance.lean": 0.2, "stance.name": "strict"})
    runs = load_runs(out)
    assert [row.name for row in runs.rows("stance")] == ["sentiment", "strict"]
    [(record, why)] = runs.stale
    assert record.run_id == learned
    assert "river-9 came, from which majority learned" in why


def test_again_brings_every_run_up_to_date(river: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("sentiment", "majority"):
        asked(river, out, name)
    add_article(river)
    commands = commands_again(["--again", "--results", str(out)])
    assert len(commands) == 2
    for command in commands:
        assert run(*command)[0].status == "complete"
    runs = load_runs(out)
    assert len(runs) == 2
    assert runs.use is not None
    assert len(runs.use.articles) == 4
    assert commands_again(["--again", f"results={out}"]) == commands


def test_again_takes_nothing_but_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="takes no 'limit=3'"):
        commands_again(["--again", "limit=3"])
    with pytest.raises(ConfigError, match="no runs in"):
        commands_again(["--again", f"results={tmp_path}"])


def test_an_unlabelled_draft_changes_nothing_that_was_learned_from(tmp_path: Path) -> None:
    river, out = write_dataset(tmp_path / "river"), tmp_path / "out"
    asked(river, out, "majority", split="dev")
    draft = (river / "articles" / "river-1.yaml").read_text(encoding="utf-8").partition("gold:")[0]
    (river / "articles" / "draft.yaml").write_text(draft.replace("river-1", "draft"), encoding="utf-8")
    asked(river, out, "sentiment", split="dev")
    assert [row.name for row in load_runs(out).rows("stance")] == ["majority", "sentiment"]


def test_a_run_over_other_articles_is_apart_and_not_out_of_date(river: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    chosen = asked(river, out, "sentiment", articles=["river-0"])
    asked(river, out, "sentiment")
    said = "\n".join([*state_lines(load_runs(out)), *problem_lines(load_runs(out))])
    assert "0 stale, 1 over other articles" in said
    assert f"apart: {chosen}: other articles: 1 of split chosen, not 3 of all" in said
    assert "--again" not in said

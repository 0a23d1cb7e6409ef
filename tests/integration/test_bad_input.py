"""Each kind of bad input, on the real command line: the message names file, line, field and the next step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness import run
from harness.errors import ConfigError
from tests.conftest import Harness


def edit(dataset: Path, old: str, new: str, file: str = "articles/river-0.yaml") -> Path:
    path = dataset / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def line_of(path: Path, part: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, start=1) if part in line)


def test_a_clean_dataset_passes(river: Path, harness: Harness) -> None:
    assert "3 articles, 12 gold stances, no problem found" in harness("data", "validate", "river").stdout


def test_no_such_dataset(harness: Harness) -> None:
    process = harness("data", "validate", "nowhere", code=1)
    assert "nowhere: no such file or folder" in process.stderr
    assert "give a dataset folder" in process.stderr


@pytest.mark.parametrize(
    ("old", "new", "at", "field", "message", "hint"),
    [
        ("event: event-0", "event: [", "event: [", None, "not YAML", "goes in quotes"),
        ("event: event-0", "evnt: event-0", "evnt", "evnt", "unknown field 'evnt'", "did you mean 'event'?"),
        ("stance: support,", "stance: suport,", "suport", "gold.stances.0.stance", "'suport' is not allowed", "did you mean 'support'?"),
        (
            "[demanded that the gates be shut]",
            "[demanded that the gate be shut]",
            "the gate be",
            "gold.stances.1.evidence.0",
            "evidence is not in the text",
            "nearest passage: 'demanded that the gates be shut",
        ),
        ("[demanded that the gates be shut]", "[the]", "[the]", "gold.stances.1.evidence.0", "times in the text", "extend it"),
        ("speaker: olm, target: gates", "speaker: olmm, target: gates", "olmm", "gold.stances.3.speaker", "speaker 'olmm' is not declared", "'olm'"),
        ("speaker: olm, target: gates", "speaker: olm, target: gate", "target: gate,", "gold.stances.3.target", "target 'gate' is not declared", "'gates'"),
        ("- {id: olm,", "- {id: brandt,", "name: Olm", "speakers.1.id", "duplicate id 'brandt'", ""),
        ("rung: 2", "rung: 7", "rung: 7", "targets.1.rung", "less than or equal to 4", ""),
        ("title: The river council meets", "title: &a The river council meets\nlanguage: *a", "title", "", "aliases are not allowed", ""),
        ("event: event-0", "event: event-0\nevent: event-9", "event-9", "event", "stands twice", ""),
        ("event: event-0", "event: !!python/object:os.system x", "python", None, "not YAML", ""),
    ],
)  # fmt: skip
def test_errors_name_file_line_field_and_next_step(
    river: Path, harness: Harness, old: str, new: str, at: str, field: str | None, message: str, hint: str
) -> None:
    path = edit(river, old, new)
    error = harness("data", "validate", "river", code=1).stderr
    assert message in error
    assert hint in error
    assert "river-0.yaml:" in error
    if field is not None:
        expected = f"river-0.yaml:{line_of(path, at)}: {field}".rstrip(": ")
        assert expected in error, error


def test_duplicate_article_id(river: Path, harness: Harness) -> None:
    edit(river, "id: river-0", "id: river-1")
    error = harness("data", "validate", "river", code=1).stderr
    assert "duplicate id 'river-1'" in error
    assert "id 'river-1' is not the file's name" in error


def test_unlabelled_pair(river: Path, harness: Harness) -> None:
    path = river / "articles" / "river-0.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    error = harness("data", "validate", "river", code=1).stderr
    assert "olm on gates is not labelled" in error
    assert "use no_stance" in error


def test_empty_text(river: Path, harness: Harness) -> None:
    path = river / "articles" / "river-0.yaml"
    before, _, rest = path.read_text(encoding="utf-8").partition("text: |")
    path.write_text(before + 'text: " "\nevent' + rest.partition("\nevent")[2], encoding="utf-8")
    assert "text is empty" in harness("data", "validate", "river", code=1).stderr


def test_text_that_is_not_utf8(river: Path, harness: Harness) -> None:
    path = river / "articles" / "river-0.yaml"
    path.write_bytes(path.read_bytes().replace(b"Ferris", b"F\xe9rris"))
    error = harness("data", "validate", "river", code=1).stderr
    assert f"river-0.yaml:{line_of_bytes(path, b'rris')}: not UTF-8: byte 0xe9" in error
    assert "save the file as UTF-8" in error


def line_of_bytes(path: Path, part: bytes) -> int:
    return next(i for i, line in enumerate(path.read_bytes().splitlines(), start=1) if part in line)


def test_all_problems_are_told_at_once(river: Path, harness: Harness) -> None:
    edit(river, "stance: support,", "stance: suport,")
    edit(river, "event: event-1", "evnt: event-1", "articles/river-1.yaml")
    error = harness("data", "validate", "river", code=1).stderr
    assert "suport" in error
    assert "evnt" in error


def test_counts_in_the_singular(river: Path, harness: Harness) -> None:
    edit(river, "event: event-1", "evnt: event-1", "articles/river-1.yaml")
    error = harness("data", "validate", "river", code=1).stderr
    assert "2 problems in river" in error
    edit(river, "evnt: event-1", "event: event-1", "articles/river-1.yaml")
    edit(river, "stance: support,", "stance: suport,")
    assert "1 problem in river" in harness("data", "validate", "river", code=1).stderr


def test_unlabelled_articles_are_counted(river: Path, harness: Harness) -> None:
    path = river / "articles" / "river-0.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("gold:")[0], encoding="utf-8")
    assert "3 articles (1 without gold), 8 gold stances" in harness("data", "validate", "river").stdout


def test_a_file_that_is_no_mapping(river: Path, harness: Harness) -> None:
    (river / "articles" / "river-0.yaml").write_text("- a\n- b\n", encoding="utf-8")
    (river / "dataset.yaml").write_text("river\n", encoding="utf-8")
    error = harness("data", "validate", "river", code=1).stderr
    assert "river-0.yaml:1: must be a mapping of fields" in error
    assert "dataset.yaml:1: must be a mapping of fields" in error
    assert "dictionary" not in error


def test_no_file_is_named_after_an_illegal_id(river: Path, harness: Harness) -> None:
    edit(river, "id: river-0", "id: ../river-0")
    error = harness("data", "validate", "river", code=1).stderr
    assert "'../river-0' is no id" in error
    assert "set id: river-0" in error
    assert "rename the file" not in error


def test_no_folder_of_raw_articles(river: Path, harness: Harness) -> None:
    error = harness("data", "suggest", "river", code=1).stderr
    assert "seeds: no such folder" in error
    assert "--seeds DIR" in error


def test_port_out_of_range(river: Path, harness: Harness) -> None:
    assert "0<=x<=65535" in harness("label", "river", "--port", "99999999", code=2).stderr


def test_unknown_system(harness: Harness) -> None:
    error = harness("run", "stance=majorty", code=1).stderr
    assert "there is no stance called 'majorty'" in error
    assert "did you mean 'majority'? " in error
    assert ", metadata, minilm_probe, " in error


def test_unknown_adapter(river: Path, harness: Harness) -> None:
    error = harness("run", "dataset.path=river", "stance.adapter=majorit", code=1).stderr
    assert "there is no stance adapter called 'majorit'" in error
    assert "did you mean 'majority'?" in error


def test_a_sweep_without_its_flag(harness: Harness) -> None:
    error = harness("run", "stance=majority,sentiment", code=1).stderr
    assert "Ambiguous value for argument 'stance=majority,sentiment'" in error
    assert "add --multirun" in error


def test_a_word_that_sets_nothing(harness: Harness) -> None:
    error = harness("run", "limit", code=1).stderr
    assert "'limit' is no override" in error
    assert "limit=5" in error


@pytest.mark.parametrize(
    ("override", "field"), [("stanse=majority", "stance"), ("limt=3", "limit"), ("+limt=3", "limit")]
)
def test_unknown_override(harness: Harness, override: str, field: str) -> None:
    error = harness("run", override, code=1).stderr
    assert f"{override.strip('+').partition('=')[0]}: unknown field; did you mean '{field}'?" in error
    assert "struct" not in error


def test_python_gets_one_kind_of_error_before_anything_is_computed(
    river: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for overrides in (
        ("stance=majority,sentimnt",),
        ("stance",),
        ("articles=[a",),
        ("stance/mine=x",),
        ("split=${nowhere}",),
    ):
        with pytest.raises(ConfigError):
            run("dataset.path=river", *overrides)
    assert not (tmp_path / "results").exists()


def test_unknown_option_of_a_system(river: Path, harness: Harness) -> None:
    error = harness("run", "dataset.path=river", "summariser=lead3", "+summariser.sentence=2", code=1).stderr
    assert "sentence: unknown field" in error
    assert "did you mean 'sentences'?" in error


@pytest.mark.parametrize(
    ("override", "where", "hint"),
    [
        ("summariser.sentence=2", "summariser 'lead3' (adapter lead): sentence", "did you mean 'sentences'?"),
        ("+summariser.sentence=2", "summariser 'lead3' (adapter lead): sentence", "known here: sentences"),
        ("stance.foo=1", "stance 'majority' (adapter majority): foo", "known here: none"),
        ("metrics.resample=500", "metrics.resample", "did you mean 'resamples'?"),
        (
            "executor.foo=1",
            "executor.foo",
            "known here: address, device, model_memory_gb, name, num_cpus, num_gpus, token_budget, workers",
        ),
        ("dataset.target=[gates]", "dataset.target", "did you mean 'targets'?"),
    ],
)
def test_unknown_option_in_a_section(river: Path, harness: Harness, override: str, where: str, hint: str) -> None:
    config = river.parent / "mine"
    config.mkdir()
    for flags in ((), ("--config-dir", "mine")):
        error = harness("run", "dataset.path=river", override, *flags, code=1).stderr
        assert f"{where}: unknown field" in error
        assert hint in error
        assert "struct" not in error


def test_an_option_that_the_chosen_config_leaves_at_its_default_can_be_set(
    river: Path, harness: Harness, tmp_path: Path
) -> None:
    harness("run", "dataset.path=river", "dataset.targets=[gates]", "summariser=none")
    [record] = (tmp_path / "results" / "runs").glob("*/record.json")
    said = json.loads(record.read_text(encoding="utf-8"))
    assert said["config"]["dataset"]["targets"] == ["gates"]
    assert said["overrides"] == ["dataset.path=river", "dataset.targets=[gates]", "summariser=none"]


def test_an_option_of_a_system_that_was_not_chosen(river: Path, harness: Harness) -> None:
    error = harness("run", "dataset.path=river", "stance=none", "stance.model=m", code=1).stderr
    assert "stance: model: none was chosen here" in error


def test_unknown_group_below_metrics(harness: Harness) -> None:
    error = harness("run", "metrics/bertscor=minilm", code=1).stderr
    assert "there is no group 'metrics/bertscor'" in error
    assert "did you mean 'metrics/bertscore'?" in error


def test_value_out_of_bounds(river: Path, harness: Harness) -> None:
    error = harness("run", "dataset.path=river", "split=devv", code=1).stderr
    assert "split: Input should be 'dev', 'test' or 'all' (got 'devv')" in error


def test_unknown_article(river: Path, harness: Harness) -> None:
    error = harness("run", "dataset.path=river", "articles=[river-9]", code=1).stderr
    assert "there is no article 'river-9'" in error
    assert "did you mean 'river-" in error


def test_hub_model_without_network(river: Path, harness: Harness, tmp_path: Path) -> None:
    process = harness(
        "run", "dataset.path=river", "summariser=none", "stance=smollm2", "stance.model=some-org/some-model",
        code=1, HF_HOME=str(tmp_path / "hf"), HARNESS_CACHE=str(tmp_path / "cache"),
    )  # fmt: skip
    assert "some-org/some-model" in process.stderr
    assert "folder" in process.stderr


def test_no_runs_to_report(harness: Harness) -> None:
    error = harness("report", code=1).stderr
    assert "no runs in results/runs" in error
    assert "harness run makes one" in error


def test_unknown_command(harness: Harness) -> None:
    error = harness("rport", code=2).stderr
    assert "did you mean 'report'?" in error


def test_a_mandatory_field_that_nobody_gave(harness: Harness) -> None:
    error = harness("run", "dataset=folder", code=1).stderr
    assert "dataset.path is not set" in error
    assert "dataset.path=my_articles/" in error
    assert "Traceback" not in error


def test_one_job_of_a_sweep_lacks_a_mandatory_field(river: Path, harness: Harness, tmp_path: Path) -> None:
    error = harness("run", "-m", "dataset.path=river", "summariser=lead3,causal", "stance=none", code=1).stderr
    assert "summariser.model is not set" in error
    assert len(list((tmp_path / "results" / "runs").glob("lead3-*/record.json"))) == 1


def test_a_dry_run_with_an_error(harness: Harness) -> None:
    error = harness("run", "dataset.path=nowhere", "dry=true", code=1).stderr
    assert "no dataset at 'nowhere'" in error
    assert "Traceback" not in error


def test_results_that_cannot_be_written(river: Path, harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    error = harness("run", "dataset.path=river", "results=taken", code=1).stderr
    assert "the results folder taken cannot be written" in error
    assert "Traceback" not in error


def test_hydras_own_flags_pass(harness: Harness) -> None:
    assert "summariser:" in harness("run", "--cfg", "job").stdout


def test_a_run_leaves_nothing_but_results(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness("run", "-m", "dataset.path=river", "summariser=lead3", "stance=none")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["results", "river"]

"""Seeded secrets are in no byte of what is written or printed, over all commands and formats."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.main import cli
from harness.data.formats import FORMATS, READ_ONLY, TASKS
from tests.conftest import write_dataset
from tests.servers import serving

KEY = "sk-seeded-8f41c0de77aa5512"
ELSEWHERE = "hf_Seeded9Seeded9Seeded9"


def test_no_byte_holds_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEEDED_KEY", KEY)
    monkeypatch.setenv("HF_TOKEN", ELSEWHERE)
    river = write_dataset(tmp_path / "river")
    outputs: dict[str, str] = {}

    def call(*words: str) -> None:
        done = CliRunner().invoke(cli, list(words))
        outputs[" ".join(words)] = f"{done.output}{done.stderr if done.stderr_bytes else ''}{done.exception!r}"

    # the server quotes the key, whole and its beginning, in answers and in errors
    asked = [
        "run",
        f"dataset.path={river}",
        "split=all",
        "limit=2",
        "summariser=lead3",
        "stance=endpoint",
        "stance.model=m",
    ]
    for n, words in enumerate(("401 {} is refused", "500 {} {}", "200 {}", "400 {}")):
        for quoted in (KEY, KEY[:16], f"Bearer {KEY}"):
            answer = "say " + words.replace("{}", quoted)
            with serving(lambda *_, answer=answer: answer) as server:  # type: ignore[misc]
                options = [f"stance.base_url={server.url}", "stance.api_key_env=SEEDED_KEY", "stance.attempts=1"]
                call(*asked, *options, f"seed={n}", "metrics.resamples=100")
    call(*asked, "stance.base_url=${oc.env:SEEDED_KEY}")
    call(*asked, "+stance.extra_body.user=${oc.env:HF_TOKEN}", "-m", "seed=1,2")
    call(*asked, f"stance.base_url=http://me:{KEY}@h/v1")
    call(*asked, f"stance.system=use {KEY}")
    call("run", "stance=sentiment", f"dataset.path={river}", "split=all", "metrics.resamples=100")
    runs = sorted(p.name for p in (tmp_path / "results" / "runs").iterdir())
    assert len(runs) >= 2
    for words in (
        *(["list", what] for what in ("runs", "systems", "datasets")),
        *(["results", what] for what in ("du", "check", "prune")),
        ["results", "du", "--json"],
        ["results", "merge", "results", "--into", "merged"],
        ["report"],
        ["compare", runs[0], runs[-1], "--html", "a.html", "--csv", "a.csv", "--tex", "a.tex", "--md", "a.md"],
        ["show", *runs, "--prompt", "--article", "river-0"],
        ["rescore"],
        ["data", "validate", "river"],
        *(["data", "export", "-f", f, "river", "--out", f"out/{f}"] for f in [*FORMATS, *TASKS] if f not in READ_ONLY),
    ):
        call(*words)
    for words, output in outputs.items():
        for secret in (KEY, KEY[:16], ELSEWHERE):
            assert secret not in output or secret in words, words
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        raw = path.read_bytes()
        assert KEY[:16].encode() not in raw, path
        assert ELSEWHERE.encode() not in raw, path

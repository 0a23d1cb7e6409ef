"""A newsroom's own folder of texts, and speakers that nobody declared."""

from __future__ import annotations

import re
from pathlib import Path

from harness.report.collect import load_runs
from harness.report.drilldown import drilldown
from harness.results.records import read_record
from tests.conftest import Harness

TEXT = """Minister vows to shut the gates

Minister Ada Brandt said that the gates must be shut at once and condemned the delay. "We will not wait," she said. The rain has not stopped for a week.

General Ulf Olm warned that a terrible war would follow and rejected the plan.
"""


def test_a_folder_of_texts_is_run_and_nothing_is_scored(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for i in range(3):
        (tmp_path / "mine" / f"Text {i}.txt").write_text(TEXT.replace("gates", f"gates of ward {i}"), encoding="utf-8")
    harness("run", "dataset=folder", "dataset.path=mine", "summariser=lead3", "stance=sentiment", "judge=sentiment")
    [path] = (tmp_path / "results" / "runs").glob("*/record.json")
    record = read_record(path)
    assert record.status == "complete"
    assert record.dataset is not None
    assert record.dataset.articles == ["text-0", "text-1", "text-2"]
    assert not record.metrics
    assert "nothing was scored" in record.notes[0]
    finder = record.system("speakers")
    assert finder is not None
    assert finder.name == "cues"
    out = harness("report").stdout
    assert "Nothing was scored" in out
    assert "Suspected flips (judge not validated): 0" in " ".join(out.split())
    assert "dropped speaker" not in out, "a summary of three sentences leaves people out: that is no alarm"
    latest = tmp_path / "results" / "reports" / "latest"
    page = (latest / "index.html").read_text(encoding="utf-8")
    assert "6 speakers (found, not declared), 6 (speaker, target) pairs" in page
    assert "lead3: the judge (judge not validated) suspects" in page
    # another classifier says otherwise, so that there is something to disagree about
    harness("run", "dataset=folder", "dataset.path=mine", "stance=sentiment", "stance.full=0.99", "stance.name=blunt")
    harness("report")
    page = (latest / "index.html").read_text(encoding="utf-8")
    assert "The 2 stance classifiers give different labels to" in page
    disputed = page.partition('id="disputed"')[2].partition("</section>")[0]
    assert "Ulf Olm" in disputed
    runs = load_runs(tmp_path / "results")
    assert [s.name for s in runs.articles[0].speakers] == ["Ada Brandt", "Ulf Olm"]
    told = drilldown(runs).data
    assert {c["name"] for c in told["classifiers"]} == {"sentiment", "blunt"}
    assert all("9" not in c["codes"] and len(c["codes"]) == 6 for c in told["classifiers"])
    assert told["summarisers"][0]["outcomes"].count("i") + told["summarisers"][0]["outcomes"].count("j") >= 3


def test_the_plain_command_asks_two_classifiers_and_a_judge(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "my_articles").mkdir()
    (tmp_path / "my_articles" / "one.txt").write_text(TEXT, encoding="utf-8")
    harness("run", "dataset=folder", "dataset.path=my_articles/")
    records = [read_record(p) for p in sorted((tmp_path / "results" / "runs").glob("*/record.json"))]
    assert [r.status for r in records] == ["complete", "complete"]
    said = harness("report").stdout
    # the answer that a newsroom came for stands first, each label with the sentence to check it by
    assert said.startswith("Who wants what. As sentiment and smollm2 read the articles.")
    assert "Ulf Olm on escalation: sentiment oppose, smollm2 " in said
    assert "> General Ulf Olm warned that a terrible war would follow" in said
    assert re.search(r"Where systems disagree: [12]\n", said)
    assert re.search(r"on escalation: sentiment \w+, smollm2 \w+", said)
    # what is chosen on the command line is what runs
    harness("run", "dataset=folder", "dataset.path=my_articles/", "stance=majority", "judge=none", "results=bare")
    [bare] = [read_record(p) for p in (tmp_path / "bare" / "runs").glob("*/record.json")]
    assert {s.name for s in bare.systems} == {"lead3", "cues", "majority"}
    said = harness("report", "--results", "bare").stdout
    assert "Suspected flips: no judge was asked: add judge=" in said
    assert "Where systems disagree: no stance classifier answered: " in said
    page = (tmp_path / "bare" / "reports" / "latest" / "index.html").read_text(encoding="utf-8")
    assert "no judge was asked: add judge=" in page
    assert "unfitted: unfitted" not in page


def test_a_bad_file_is_left_out_and_the_rest_goes_on(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bad.txt").write_bytes(b"first\n\x00\xfe")
    args = ("run", "dataset=folder", "dataset.path=mine", "stance=sentiment", "judge=none")
    error = harness(*args, code=1).stderr
    assert "bad.txt: holds zero bytes" in error, "nothing is left: refused"
    (tmp_path / "mine" / "good.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "mine" / "old.txt").write_bytes("Général Olm said: “Non.”\n".encode("cp1252"))
    # done, but for a file: an exit code of its own, the second time too
    for _ in range(2):
        said = harness(*args, code=3).stderr
        assert said.count("left out: mine/bad.txt: holds zero bytes") == 1
        assert "mine/old.txt: not UTF-8; read as Windows-1252" in said
    report = harness("report").stdout
    assert "left out: mine/bad.txt" in report
    assert "Windows-1252" in report


def test_found_speakers_are_matched_to_gold(river: Path, harness: Harness, tmp_path: Path) -> None:
    harness("run", "dataset.path=river", "split=all", "summariser=none", "speakers=rule", "stance=sentiment")
    [path] = (tmp_path / "results" / "runs").glob("*/record.json")
    record = read_record(path)
    f1 = record.metrics["speakers.f1"]
    assert f1.value is not None
    assert 0 < f1.value <= 1
    assert f1.n_scored == 3
    assert sum(record.tables["speakers"]["speakers.stages"].values()) >= 12
    assert not any(k.startswith("stance.") for k in record.metrics)


def test_speakers_are_counted_and_people_correct_them(harness: Harness, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "gates.txt").write_text(TEXT + '\nNight fell.\n\n"They will never take this town."\n', encoding="utf-8")
    swedish = "Statsministern sade på torsdagen att kriget är slut. Försvarsminister Bo Lind höll inte med om detta.\n"
    (mine / "krig.txt").write_text(swedish, encoding="utf-8")
    args = ("run", "dataset=folder", "dataset.path=mine", "summariser=none", "stance=sentiment", "judge=none")
    progress = " ".join(harness(*args).stderr.split())
    assert "gates: 2 speakers found; 1 of 2 quotations have no owner" in progress
    assert "krig: no finder for the language 'sv'" in progress
    said = " ".join(harness("report").stdout.split())
    assert "2 speakers found; 1 of 2 quotations have no owner, so somebody may be missing" in said
    assert "nothing was asked: no finder for the language 'sv'" in said
    (mine / "speakers.yaml").write_text(
        "speakers:\n- {name: Bo Lind}\n- {name: Ulf Olm, speaks: false}\n", encoding="utf-8"
    )
    harness(*args)
    said = " ".join(harness("report").stdout.split())
    assert "Bo Lind on escalation: sentiment" in said
    assert "1 speaker found, 1 of them named by people" in said
    assert "Ulf Olm on escalation" not in said
    page = (tmp_path / "results" / "reports" / "latest" / "index.html").read_text(encoding="utf-8")
    assert "1 speaker found; 1 of 2 quotations have no owner" in page
    (mine / "speakers.yaml").write_text("speakers:\n- {name: Bo Lind, artikel: krig}\n", encoding="utf-8")
    error = harness(*args, code=1).stderr
    assert "speakers.yaml:2: speakers.0.artikel: unknown field 'artikel'" in error

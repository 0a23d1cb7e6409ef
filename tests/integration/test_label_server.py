"""The labelling server: who is refused, what a save does to the files, and that a killed server leaves only whole ones."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.data.load import load_dataset, read_dataset
from harness.results.store import PredictionStore
from harness.types import Answer, Item, Stance
from tests.labelling import TEXT, Server, label_server, span, write_fresh

pytest.importorskip("uvicorn")

ARTICLE = "/api/articles/fresh-one"
BRANDT = {"id": "brandt", "name": "Ada Brandt", "aliases": ["Brandt"], "main": True}
OLM = {"id": "olm", "name": "Olm", "main": True}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_fresh(tmp_path / "river")


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with label_server(folder, "--annotator", "ann") as running:
        yield running


def labelled(stance: str = "support", words: str = "demanded that the gates be shut") -> dict[str, Any]:
    return {"speaker": "brandt", "target": "escalation", "stance": stance, "evidence": [span(TEXT, words)]}


def save(server: Server, state: dict[str, Any], **changes: Any) -> tuple[int, Any]:
    reopen = changes.pop("reopen", False)
    document = {**state["document"], **changes}
    return server.call("PUT", ARTICLE, {"version": state["version"], "document": document, "reopen": reopen})


def opened(server: Server) -> dict[str, Any]:
    status, state = server.call("GET", ARTICLE)
    assert status == 200, state
    return dict(state)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Token": "wrong"},
        {"X-Token": ""},
    ],
    ids=str,
)
def test_strangers_are_refused(server: Server, headers: dict[str, str]) -> None:
    status, _, sent = server.request("GET", ARTICLE, None, {"X-Token": server.token, **headers})
    assert status == 403
    assert not any(name.startswith("access-control-") for name in sent)


def test_a_foreign_host_does_not_even_get_the_page(server: Server) -> None:
    assert server.request("GET", "/", None, {"Host": f"rebound.example:{server.port}"})[0] == 403
    assert server.request("GET", "/")[0] == 200


def test_the_token_is_needed_for_every_call_and_is_in_no_answer(server: Server) -> None:
    for method, path in [
        ("GET", "/api/set"),
        ("GET", "/api/articles"),
        ("GET", ARTICLE),
        ("PUT", ARTICLE),
        ("POST", "/api/left-out"),
    ]:
        assert server.request(method, path, b"{}", {"Content-Type": "application/json"})[0] == 403, path
    assert server.token.encode() not in server.request("GET", "/")[1]


def test_headers_forbid_foreign_content(server: Server) -> None:
    for path in ("/", "/static/main.js", "/static/none.js"):
        sent = server.request("GET", path)[2]
        policy = sent["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert sent["x-content-type-options"] == "nosniff" and sent["referrer-policy"] == "no-referrer"
    options = server.request("OPTIONS", ARTICLE, None, {"Origin": "http://evil.example"})
    assert options[0] == 403


def test_a_form_of_another_page_cannot_save(server: Server) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        status, _, _ = server.request("PUT", ARTICLE, b"{}", {"X-Token": server.token, "Content-Type": kind})
        assert status == 415


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Fdataset",
        "../dataset",
        "..%2fdataset.yaml",
        "%2e%2e",
        ".hidden",
        "FRESH-ONE",
        "a%00b",
        "x" * 300,
        "nothing-here",
    ],
)
def test_article_ids_name_nothing_outside_the_folder(server: Server, folder: Path, name: str) -> None:
    (folder / "secret.yaml").write_text("id: secret\n", encoding="utf-8")
    for method in ("GET", "PUT"):
        body = {"version": "x", "document": {"speakers": [], "targets": []}} if method == "PUT" else None
        status, answer = server.call(method, f"/api/articles/{name}", body)
        assert status in {404, 405}, answer
    assert not (folder.parent / "dataset.json").exists()


def test_a_huge_body_is_refused(server: Server) -> None:
    status, answer, _ = server.request(
        "PUT",
        ARTICLE,
        b"{}",
        {"X-Token": server.token, "Content-Type": "application/json", "Content-Length": "52428800"},
    )
    assert status == 413, answer
    chunks = (b"x" * 1_000_000 for _ in range(50))
    try:
        connection_status = server.request(
            "PUT",
            ARTICLE,
            chunks,
            {"X-Token": server.token, "Content-Type": "application/json"},  # type: ignore[arg-type]
        )[0]
    except (BrokenPipeError, ConnectionResetError):
        connection_status = 413
    assert connection_status == 413
    assert opened(server)["draft"] is False


def test_nonsense_is_refused_with_a_reason(server: Server, folder: Path) -> None:
    before = (folder / "articles" / "fresh-one.yaml").read_bytes()
    headers = {"X-Token": server.token, "Content-Type": "application/json"}
    assert server.request("PUT", ARTICLE, b"[" * 100_000, headers)[0] == 400
    assert server.request("PUT", ARTICLE, b"\xff", headers)[0] == 400
    state = opened(server)
    for change in (
        {"stances": [{**labelled(), "stance": "maybe"}]},
        {"stances": [{**labelled(), "evidence": [{"start": 0, "end": 4, "text": "Nope"}]}], "speakers": [BRANDT]},
        {"speakers": [{"id": "../x", "name": "X"}]},
        {"speakers": [BRANDT], "colour": "red"},
    ):
        status, answer = save(server, state, **change)
        assert status == 422 and answer["error"], answer
    assert (folder / "articles" / "fresh-one.yaml").read_bytes() == before


def test_unfinished_labels_stay_in_a_draft_and_finished_ones_reach_the_file(server: Server, folder: Path) -> None:
    path = folder / "articles" / "fresh-one.yaml"
    status, state = save(
        server, opened(server), speakers=[BRANDT, OLM], stances=[labelled()], summary="Brandt wants it."
    )
    assert status == 200 and state["draft"]
    assert [(p["speaker"], p["message"]) for p in state["problems"]] == [("olm", "not labelled")]
    article = load_dataset(folder).article("fresh-one")
    assert [s.id for s in article.speakers] == ["brandt", "olm"] and not article.annotations
    assert article.summaries[0].text == "Brandt wants it."
    draft = folder / ".drafts" / "ann" / "fresh-one.json"
    assert json.loads(draft.read_text(encoding="utf-8"))["document"]["stances"][0]["stance"] == "support"
    assert (folder / ".drafts" / ".gitignore").read_text(encoding="utf-8") == "*\n"
    at = TEXT.rindex("war")
    evidence = [{"start": at, "end": at + 3, "text": "war"}]
    olm = {"speaker": "olm", "target": "escalation", "stance": "oppose", "evidence": evidence}
    status, state = save(server, state, stances=[*state["document"]["stances"], olm])
    assert status == 200 and not state["draft"] and not state["problems"] and not draft.exists()
    article = load_dataset(folder).article("fresh-one")
    assert [(s.speaker, str(s.stance)) for s in article.annotations[0].stances] == [
        ("brandt", "support"),
        ("olm", "oppose"),
    ]
    assert article.annotations[0].stances[1].evidence[0].start == at
    assert "occurrence: 3" in path.read_text(encoding="utf-8"), "warned, bring war, asked for war"
    assert path.read_text(encoding="utf-8").startswith("# drafted by hand\n")
    assert "# one event an article" in path.read_text(encoding="utf-8")
    assert article.text == TEXT


def test_the_later_save_is_refused_and_shows_what_stands(server: Server) -> None:
    old = opened(server)
    assert save(server, old, speakers=[BRANDT])[0] == 200
    status, answer = save(server, old, speakers=[OLM])
    assert status == 409
    assert [s["id"] for s in answer["state"]["document"]["speakers"]] == ["brandt"]
    assert save(server, answer["state"], speakers=[BRANDT, OLM])[0] == 200


def test_two_people_on_their_own_labels_do_not_disturb_each_other(folder: Path) -> None:
    with label_server(folder, "--annotator", "ann") as one, label_server(folder, "--annotator", "ben") as two:
        save(one, opened(one), speakers=[BRANDT])
        for_one, for_two = opened(one), opened(two)
        assert save(one, for_one, stances=[labelled()])[0] == 200
        assert save(two, for_two, stances=[labelled("oppose")])[0] == 200
    article = load_dataset(folder).article("fresh-one")
    assert {a.annotator: str(a.stances[0].stance) for a in article.annotations} == {"ann": "support", "ben": "oppose"}


def test_new_declarations_wait_for_the_labels_of_others(folder: Path) -> None:
    with label_server(folder, "--annotator", "ann") as one:
        save(one, opened(one), speakers=[BRANDT])
        save(one, opened(one), stances=[labelled()])
    with label_server(folder, "--annotator", "ben") as two:
        before = (folder / "articles" / "fresh-one.yaml").read_bytes()
        _, state = save(two, opened(two), speakers=[BRANDT, OLM])
        assert state["blocked"] == ["ann"] and state["draft"]
        assert (folder / "articles" / "fresh-one.yaml").read_bytes() == before
        _, state = save(two, state, reopen=True)
        assert state["blocked"] == [] and not load_dataset(folder).article("fresh-one").annotations
    with label_server(folder, "--annotator", "ann") as one:
        state = opened(one)
        assert state["draft"] and state["base"] == state["file"]
        assert [s["stance"] for s in state["document"]["stances"]] == ["support"]
        assert [p["speaker"] for p in state["problems"]] == ["olm"]


def test_a_file_edited_under_a_draft_is_noticed(server: Server, folder: Path) -> None:
    _, state = save(server, opened(server), speakers=[BRANDT, OLM], stances=[labelled()])
    assert state["base"] == state["file"]
    path = folder / "articles" / "fresh-one.yaml"
    path.write_text(
        path.read_text(encoding="utf-8")
        .replace('Ada Brandt"', 'Ada B."')
        .replace("name: Ada Brandt,", "name: Ada B.,"),
        encoding="utf-8",
    )
    again = opened(server)
    assert again["file"]["speakers"][0]["name"] == "Ada B." and again["base"] != again["file"]
    assert save(server, state, summary="late")[0] == 409


def test_blind_hides_what_others_did(folder: Path) -> None:
    with label_server(folder, "--annotator", "ann") as one:
        save(one, opened(one), speakers=[BRANDT], summary="A secret summary.")
        save(one, opened(one), stances=[{**labelled(), "note": "a secret note"}])
    with label_server(folder, "--annotator", "ben") as two:
        assert "secret note" in json.dumps(opened(two)) and "secret summary" in json.dumps(opened(two))
    with label_server(folder, "--annotator", "ben", "--blind") as two:
        everything = json.dumps([opened(two), two.call("GET", "/api/articles"), two.call("GET", "/api/set")])
        assert "secret" not in everything and '"ann"' not in everything


def test_gold_needs_a_reason_where_the_annotators_differ(folder: Path) -> None:
    for name, stance in (("ann", "support"), ("ben", "lean_support")):
        with label_server(folder, "--annotator", name) as one:
            save(one, opened(one), speakers=[BRANDT, OLM])
            olm = {"speaker": "olm", "target": "escalation", "stance": "no_stance", "evidence": []}
            assert not save(one, opened(one), stances=[labelled(stance), olm])[1]["draft"]
    with label_server(folder, "--annotator", "cleo", "--adjudicate") as judge:
        state = opened(judge)
        assert state["differences"] == [["brandt", "escalation"]]
        assert [s["speaker"] for s in state["document"]["stances"]] == ["olm"], "what they agree on is proposed"
        stances = [*state["document"]["stances"], labelled("lean_support")]
        _, state = save(judge, state, stances=stances)
        assert state["draft"] and "reason" in state["problems"][0]["message"]
        stances[-1]["reason"] = "a demand with a limit"
        _, state = save(judge, state, stances=stances)
        assert not state["draft"]
    gold = load_dataset(folder).article("fresh-one").gold
    assert gold is not None and gold.annotator == "cleo"
    assert gold.stances[0].reason == "a demand with a limit"


def test_machine_labels_are_proposed_and_never_written(folder: Path, tmp_path: Path, harness: Any) -> None:
    with label_server(folder, "--annotator", "ann") as one:
        save(one, opened(one), speakers=[BRANDT])
    article = load_dataset(folder).article("fresh-one")
    item = Item(article, article.speaker("brandt"), article.target("escalation"))
    PredictionStore(tmp_path / "results" / "predictions").write(
        "tiny", "0123456789abcdef", "stance", [("k", item, Answer(label=Stance.OPPOSE))]
    )
    with label_server(folder, "--annotator", "ann", "--suggest", "tiny", "--results", str(tmp_path / "results")) as one:
        state = opened(one)
        assert [(s["speaker"], s["stance"], s["system"]) for s in state["suggestions"]] == [
            ("brandt", "oppose", "tiny")
        ]
        save(one, state, summary="Brandt.")
    assert "oppose" not in (folder / "articles" / "fresh-one.yaml").read_text(encoding="utf-8")
    assert "tini" in harness("label", str(folder), "--suggest", "tini", "--results", "results", code=1).stderr
    assert "choose one" in harness("label", str(folder), "--suggest", "tiny", "--blind", code=None).stderr


def test_left_out_speakers(server: Server) -> None:
    body = {"speakers": [BRANDT, OLM, {"id": "x", "name": "Xaver"}], "text": "General Olm warned."}
    assert server.call("POST", "/api/left-out", body) == (200, {"left_out": ["brandt"]})


def test_a_server_killed_during_200_saves_leaves_only_whole_files(folder: Path) -> None:
    """Ten servers, each killed amid its saves; at every moment the file is one that loads, with a summary that was sent."""
    saved = started = 0
    path = folder / "articles" / "fresh-one.yaml"
    seen: set[bytes] = set()
    watching = threading.Event()
    watching.set()

    def watch() -> None:
        while watching.is_set():
            seen.add(path.read_bytes())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    sent: set[str] = {""}
    for life in range(10):
        with label_server(folder, "--annotator", "ann") as running:
            done = threading.Event()
            count = 0

            def edit(running: Server = running, life: int = life, done: threading.Event = done) -> None:
                nonlocal count, started
                state = opened(running)
                if state["base"] != state["file"]:
                    state["document"] = state["file"]
                try:
                    while True:
                        summary = f"Life {life}, save {count}. " + "Brandt demands it. " * (count % 40)
                        sent.add(summary)
                        started += 1
                        status, state = save(running, state, speakers=[BRANDT], summary=summary, stances=[labelled()])
                        assert status == 200, state
                        count += 1
                        if count == 20:
                            done.set()
                except (OSError, ValueError):
                    return
                except Exception:
                    done.set()
                    raise

            thread = threading.Thread(target=edit)
            thread.start()
            assert done.wait(120) and count >= 20
            time.sleep(0.003 * life)
            running.process.kill()
            thread.join(30)
            saved += count
        dataset, errors = read_dataset(folder)
        assert not errors
        article = dataset.article("fresh-one")
        assert (article.summaries[0].text if article.summaries else "") in sent
        assert article.text == TEXT and len(article.annotations[0].stances) == 1
        for draft in (folder / ".drafts").rglob("*.json"):
            json.loads(draft.read_text(encoding="utf-8"))
    watching.clear()
    watcher.join(10)
    assert saved >= 200 and started > saved
    assert len(seen) > 20, "the watcher saw many versions"
    for content in seen:
        path.write_bytes(content)
        whole = load_dataset(folder).article("fresh-one")
        assert whole.text == TEXT and (whole.summaries[0].text if whole.summaries else "") in sent
    with label_server(folder, "--annotator", "ann"):
        assert not list(folder.rglob("*.tmp")), "what the killed servers left is swept away"


def test_a_dropped_connection_prints_no_traceback(capfd: pytest.CaptureFixture[str], server: Server) -> None:
    head = f"Host: 127.0.0.1:{server.port}\r\nX-Token: {server.token}\r\nContent-Type: application/json\r\n"
    requests = (
        f"PUT {ARTICLE} HTTP/1.1\r\n{head}Content-Length: 500\r\n\r\n{{",
        f"PUT {ARTICLE} HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\nff\r\n{{",
        f"GET {ARTICLE} HTTP/1.1\r\n{head}\r\n",
        "GET /api/set HTTP/1.1\r\nHost: 127",
    )
    for text in requests:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            # gone at once, without the farewell of TCP
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(text.encode())
            time.sleep(0.2)
    assert opened(server)["draft"] is False
    assert capfd.readouterr().err == ""

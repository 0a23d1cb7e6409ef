"""One request about many pairs: what it shows, whose answer is whose, and what the next run asks again."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.results.store import PredictionStore, prediction_key
from harness.runs.predict import answer_all, plan
from harness.runs.usage import system_use
from harness.systems.base import Context, System
from harness.types import Answered, Dataset, Item, Speaker, Stance
from tests.servers import chat, prompt_of, serving
from tests.unit.test_endpoint import dataset, items, system

WHO = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)


def asked(prompt: str) -> dict[str, str]:
    """Who is asked about, by number; lettered options are no numbers."""
    return dict(WHO.findall(prompt))


def honest(prompt: str) -> dict[str, str]:
    """Olm supports everything, the others oppose it."""
    return {number: "E" if "Olm" in who else "A" for number, who in asked(prompt).items()}


def run(judge: System, data: Dataset, folder: Path) -> Answered:
    store = PredictionStore(folder)
    return answer_all(judge, plan(judge, items("stance", data), data, store), Context(data), store, "stance")


def labels(done: Answered) -> list[Stance | None]:
    return [p.answer.label for p in done.predictions]


def right(data: Dataset) -> list[Stance]:
    return [Stance.SUPPORT if i.speaker.id == "olm" else Stance.OPPOSE for i in items("stance", data)]


@pytest.mark.parametrize(("ask", "n_requests"), [("pair", 12), ("speaker", 6), ("article", 3)])
def test_each_mode_asks_as_often_as_it_says_and_every_pair_has_its_answer(
    ask: str, n_requests: int, tmp_path: Path
) -> None:
    def reply(body: dict[str, Any]) -> dict[str, Any]:
        prompt = prompt_of(body)
        return chat("E" if "Olm" in prompt else "A") if ask == "pair" else chat(json.dumps(honest(prompt)))

    data = dataset(3)
    with serving(reply=reply) as server:
        judge = system(base_url=server.url, ask=ask)
        done = run(judge, data, tmp_path)
        assert labels(done) == right(data)
        assert len(server.bodies) == n_requests
        use = system_use("stance", judge, done)
        assert (use.tokens_in, use.tokens_out) == (100 * n_requests, 10 * n_requests), "counted once and whole"
        assert use.n_failed == use.n_unparsed == 0
        run(judge, data, tmp_path)
        assert len(server.bodies) == n_requests, "nothing is asked twice"


def test_what_requests_about_an_article_share_comes_first_and_each_statement_stands_once() -> None:
    data = dataset(1)
    judge: Any = system(ask="speaker")
    first, second = (judge.prompt(group) for group in judge.together(items("stance", data)))
    shared = first[: next(i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)]
    assert "Text number <0>." in shared
    assert "F. no stance" in shared
    whole: Any = system(ask="article")
    prompt = whole.prompt(items("stance", data))
    assert prompt.count("War is right.") == prompt.count("The council may shut the gates.") == 1
    assert list(asked(prompt).values()) == ["Ada Brandt", "General Olm"] * 2


def test_the_order_of_items_and_declarations_plays_no_part() -> None:
    data = dataset(1)
    [article] = data.articles
    turned = dataclasses.replace(article, speakers=article.speakers[::-1], targets=article.targets[::-1])
    other = dataclasses.replace(data, articles=(turned,))
    judge: Any = system(ask="article")

    def keys(d: Dataset, asked_items: Sequence[Item]) -> dict[str, str]:
        reads = judge.reads_of(asked_items, d)
        return {i.id: prediction_key("f", r) for i, r in zip(asked_items, reads, strict=True)}

    expected = keys(data, items("stance", data))
    assert keys(other, items("stance", other)) == expected
    assert keys(data, items("stance", data)[::-1]) == expected
    assert judge.prompt(items("stance", other)) == judge.prompt(items("stance", data))


def test_outside_pair_a_key_hashes_the_pairs_that_are_asked_about() -> None:
    data = dataset(1)
    everything = items("stance", data)
    judge: Any = system(ask="article")
    whole, fewer = judge.reads_of(everything, data), judge.reads_of(everything[:2], data)
    assert len(set(map(str, whole))) == 4, "four pairs, four keys"
    assert [r["asks"] for r in whole] == [whole[0]["asks"]] * 4
    assert whole[0] != fewer[0]
    assert {k: v for k, v in whole[0].items() if k != "asks"} == {k: v for k, v in fewer[0].items() if k != "asks"}
    speaker: Any = system(ask="speaker")
    assert [len(r["asks"]) for r in speaker.reads_of(everything, data)] == [2] * 4


def test_keys_and_fingerprint_of_pair_are_those_of_before_lists() -> None:
    """Both as the version before `ask` made them (3a737eb)."""
    data = dataset(1)
    today, lists = system(), system(ask="article")
    assert (
        today.fingerprint == system(entry_tokens=99, question="{speaker}!", max_tokens_in=5, send="batch").fingerprint
    )
    assert "ask" not in today.identity()["options"]
    assert lists.fingerprint not in (today.fingerprint, system(ask="speaker").fingerprint)
    assert lists.fingerprint == system(ask="article", prompt="{article} {speaker} {target}", logprobs=False).fingerprint
    keys = [prediction_key(today.fingerprint, r) for r in today.reads_of(items("stance", data), data)]
    assert keys == [prediction_key(today.fingerprint, today.reads(i, data)) for i in items("stance", data)]
    assert keys[0] == PAIR_KEY


PAIR_KEY = "ad4af1aa1ff3b8102193053957fbd51891de2c94"


def test_an_entry_that_is_missing_is_asked_for_again_alone(tmp_path: Path) -> None:
    data, leave = dataset(2), ["2", "3"]

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        answers = honest(prompt_of(body))
        if len(answers) == 4 and "<0>" in prompt_of(body):
            answers = {n: a for n, a in answers.items() if n not in leave}
        return chat(json.dumps(answers))

    with serving(reply=reply) as server:
        judge = system(base_url=server.url, ask="article")
        done = run(judge, data, tmp_path)
        errors = [p.answer.error for p in done.predictions]
        assert [e is not None for e in errors] == [False, True, True, False, *[False] * 4]
        assert errors[1] == "the reply has no entry for this pair (2 of 4 answered)"
        assert system_use("stance", judge, done).tokens_in == 200
        store = PredictionStore(tmp_path)
        work = plan(judge, items("stance", data), data, store).as_stored()
        assert [work.stored[k].answer.error for k in work.keys] == errors, "without asking, the errors stand"
        done = run(judge, data, tmp_path)
        assert labels(done) == right(data)
        assert [len(asked(prompt_of(b))) for b in server.bodies] == [4, 4, 2], "only what had no answer"
        assert system_use("stance", judge, done).tokens_in == 300
        run(judge, data, tmp_path)
        assert len(server.bodies) == 3


def test_a_reply_that_is_cut_keeps_what_it_says_and_the_next_run_goes_on(tmp_path: Path) -> None:
    data = dataset(1)

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        answers = honest(prompt_of(body))
        answer = chat(json.dumps(answers)[:15] if len(answers) == 4 else json.dumps(answers))
        if len(answers) == 4:
            answer["choices"][0]["finish_reason"] = "length"
        return answer

    with serving(reply=reply) as server:
        judge = system(base_url=server.url, ask="article")
        done = run(judge, data, tmp_path)
        assert [p.answer.error is None for p in done.predictions].count(True) == 1
        assert "finish_reason: length; 1 of 4 answered" in str([p.answer.error for p in done.predictions])
        assert labels(run(judge, data, tmp_path)) == right(data)
        assert [len(asked(prompt_of(b))) for b in server.bodies] == [4, 3]


def test_a_reply_without_any_entry_is_unparsed_and_not_asked_for_again(tmp_path: Path) -> None:
    data = dataset(1)
    with serving(reply=lambda _: chat("They disagree.")) as server:
        judge = system(base_url=server.url, ask="article")
        done = run(judge, data, tmp_path)
        assert labels(done) == [None] * 4
        assert system_use("stance", judge, done).n_unparsed == 4
        run(judge, data, tmp_path)
        assert len(server.bodies) == 1


def test_stored_lists_are_read_again_entry_by_entry_without_a_request(tmp_path: Path) -> None:
    """An older reading gave every pair of both requests another pair's answer, or none."""
    data, leave = dataset(2), ["2", "3"]

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        answers = honest(prompt_of(body))
        if len(answers) == 4 and "<0>" in prompt_of(body):
            answers = {n: a for n, a in answers.items() if n not in leave}
        return chat(json.dumps(answers))

    with serving(reply=reply) as server:
        judge = system(base_url=server.url, ask="article")
        now = [run(judge, data, tmp_path / "now") for _ in range(2)][-1]
        assert [len(asked(prompt_of(b))) for b in server.bodies] == [4, 4, 2]
        older = PredictionStore(tmp_path / "older")
        everything = items("stance", data)
        by_id = {(i.article.id, i.speaker.id, i.target.id): i for i in everything}  # type: ignore[union-attr]
        for n, stored in enumerate(PredictionStore(tmp_path / "now").read(judge.name, judge.fingerprint).values()):
            wrong: dict[str, Any] = {"error": "no entry"} if n % 2 else {"label": Stance.NEUTRAL, "output": "neutral"}
            answer = dataclasses.replace(stored.answer, **{"label": None, "error": None, **wrong}, reading=0)
            item = by_id[stored.article_id, str(stored.speaker_id), str(stored.target_id)]
            older.write(judge.name, judge.fingerprint, "stance", [(stored.key, item, answer)])
        done = run(judge, data, tmp_path / "older")
        assert len(server.bodies) == 3, "nobody pays twice"
    assert labels(done) == labels(now) == right(data)
    assert {p.answer.reading for p in done.predictions} == {judge.reading}
    assert [p.answer.tokens_in for p in done.predictions] == [p.answer.tokens_in for p in now.predictions]


def test_a_server_that_fails_costs_the_pairs_of_its_request_and_they_are_asked_again_together(tmp_path: Path) -> None:
    data = dataset(2)
    with serving(
        lambda p, n: "400" if "<1>" in p and n == 1 else "ok", lambda b: chat(json.dumps(honest(prompt_of(b))))
    ) as server:
        judge = system(base_url=server.url, ask="article")
        assert [p.answer.error is None for p in run(judge, data, tmp_path).predictions] == [True] * 4 + [False] * 4
        assert labels(run(judge, data, tmp_path)) == right(data)
        assert [len(asked(prompt_of(b))) for b in server.bodies] == [4, 4, 4]


def test_two_people_who_share_a_name_are_one_question(tmp_path: Path) -> None:
    data = dataset(1)
    [article] = data.articles
    twins = dataclasses.replace(article, speakers=(*article.speakers, Speaker("olm2", "General Olm")))
    data = dataclasses.replace(data, articles=(twins,))
    with serving(reply=lambda b: chat(json.dumps(honest(prompt_of(b))))) as server:
        done = run(system(base_url=server.url, ask="article"), data, tmp_path)
        assert len(asked(prompt_of(server.bodies[0]))) == 4
    assert [p.answer.label for p in done.predictions if p.speaker_id == "olm2"] == [Stance.SUPPORT] * 2


def test_a_schema_is_asked_for_and_dropped_where_the_server_refuses_it(tmp_path: Path) -> None:
    data = dataset(2)

    def behave(prompt: str, n: int) -> str:
        return "say 400 response_format is not supported" if "response_format" in server.bodies[-1] else "ok"

    with serving(behave, lambda b: chat(json.dumps(honest(prompt_of(b))))) as server:
        done = run(system(base_url=server.url, ask="article", concurrency=1), data, tmp_path)
        assert labels(done) == right(data)
        assert ["response_format" in b for b in server.bodies] == [True, False, False]
    schema = server.bodies[0]["response_format"]["json_schema"]["schema"]
    assert schema["required"] == ["1", "2", "3", "4"]
    assert schema["properties"]["4"] == {"type": "string", "enum": list("ABCDEF")}
    assert server.bodies[0]["max_tokens"] == 8 + 4 * 16


def test_a_schema_by_the_extensions_of_vllm() -> None:
    asked_items = items("stance", dataset(1))
    older: Any = system(ask="article", constrain="guided_choice")
    newer: Any = system(ask="article", constrain="structured_outputs", reply="label")
    assert older.body("", asked_items)["guided_json"]["required"] == ["1", "2", "3", "4"]
    schema = newer.body("", asked_items)["structured_outputs"]["json"]
    assert schema["properties"]["1"]["enum"][1] == "lean oppose"


def test_windows_of_a_list_are_merged_pair_by_pair(tmp_path: Path) -> None:
    """The first window says nothing of Olm's, the second everything: a stance beats none."""
    data = dataset(1)
    [article] = data.articles
    long = dataclasses.replace(article, text="Brandt speaks. " * 60 + "Olm speaks. " * 60)
    data = dataclasses.replace(data, articles=(long,))

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        prompt = prompt_of(body)
        text = prompt.partition("The questions")[0]
        return chat(
            json.dumps(
                {
                    n: a if who.split()[-1] in text else "F"
                    for (n, who), a in zip(asked(prompt).items(), honest(prompt).values(), strict=True)
                }
            )
        )

    with serving(reply=reply) as server:
        judge = system(base_url=server.url, ask="article", context_tokens=700, long_input="windows")
        done = run(judge, data, tmp_path)
        assert len(server.bodies) > 1
    assert labels(done) == right(data)
    assert {p.answer.path for p in done.predictions} == {"listed+windows"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"list_prompt": None}, "needs list_prompt"),
        ({"list_prompt": "{questions} {article}"}, "comes before"),
        ({"list_prompt": "{article} {questions} {speaker}"}, "nothing fills"),
        ({"statement": "This:"}, "no {target}"),
        ({"question": "{target}?"}, "no {speaker}"),
        ({"ask": "paragraph"}, "'pair', 'speaker' or 'article'"),
    ],
)
def test_a_list_that_cannot_be_asked_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        system(**{"ask": "article", **change})

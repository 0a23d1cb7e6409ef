"""Texts that are too long for a server's window: refused, cut or asked about piece by piece, and only the article is cut."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.models.token_estimate import estimate, estimated_spans
from harness.results.store import PredictionStore
from harness.runs.predict import answer_all, plan
from harness.systems.base import Context
from harness.types import Answer, Dataset, Stance
from tests.servers import chat, prompt_of, serving
from tests.unit.test_endpoint import dataset, items, system

ROOM = 32
"""Tokens that are kept free for the chat's template."""
PROMPT = {"summariser": "{article}\n\nSum up.", "stance": "{article}\n\n{speaker} on {target}:\n{options}"}


def long(text: str, n: int = 1) -> Dataset:
    data = dataset(n)
    return dataclasses.replace(data, articles=(dataclasses.replace(data.articles[0], text=text), *data.articles[1:]))


def ask(
    kind: str, data: Dataset, window: int | None, reply: Any = None, **options: Any
) -> tuple[list[Answer], list[str]]:
    """The answers, and the prompts that the server got."""
    more = {"prompt": PROMPT[kind], "max_tokens": 8, "context_tokens": window, "concurrency": 1, **options}
    with serving(reply=reply or (lambda _: chat("ok"))) as server:
        found = system(kind, base_url=server.url, **more).answer(items(kind, data), Context(data))
        return found, [prompt_of(b) for b in server.bodies]


def test_three_bytes_count_as_a_token() -> None:
    """`abcd` 4 bytes, so 2; `über` 5, so 2; two Cyrillic letters 4, so 2; one Chinese character 3, so 1."""
    assert [estimate(t) for t in ("", "a", "abc", "abcd", "über", "да", "战")] == [0, 1, 1, 2, 2, 2, 1]
    assert estimated_spans("abcdüß战😀") == [(0, 3), (3, 5), (5, 6), (6, 7), (7, 8)]
    assert estimated_spans("") == []


def test_the_article_alone_is_cut_and_what_is_cut_is_counted() -> None:
    """`\\n\\nSum up.` and the chat take 9 bytes = 3 tokens and 32; 8 are for the answer: of 83 the article gets 40 = 120 bytes.

    It has 300 bytes = 100 tokens, so 60 are cut.
    """
    text = "".join(f"{i:03}" for i in range(100))
    [answer], [prompt] = ask("summariser", long(text), 40 + 3 + ROOM + 8)
    assert prompt == text[:120] + "\n\nSum up."
    assert (answer.error, answer.output, answer.tokens_cut) == (None, "ok", 60)
    assert answer.prompt == prompt
    assert answer.path == "chat"


def test_what_fits_exactly_is_not_cut() -> None:
    text = "x" * 300
    [answer], [prompt] = ask("summariser", long(text), 100 + 3 + ROOM + 8)
    assert (prompt, answer.tokens_cut) == (text + "\n\nSum up.", 0)
    [answer], [prompt] = ask("summariser", long(text), 100 + 3 + ROOM + 8 - 1)
    assert (prompt, answer.tokens_cut) == (text[:297] + "\n\nSum up.", 1)


def test_speaker_target_options_and_instruction_are_never_cut() -> None:
    found, prompts = ask("stance", long("word " * 500), 200, system="Be careful.")
    assert len(prompts) == len(found) == 4
    for prompt, answer in zip(prompts, found, strict=True):
        assert prompt.endswith("A. oppose\nB. lean oppose\nC. neutral\nD. lean support\nE. support\nF. no stance")
        assert "Ada Brandt on " in prompt or "General Olm on " in prompt
        assert estimate(prompt + "Be careful.") <= 200 - 8 - ROOM
        assert answer.tokens_cut > 600


def test_error_refuses_the_long_one_alone() -> None:
    found, prompts = ask("summariser", long("word " * 500, 3), 200, long_input="error")
    assert [a.error is None for a in found] == [False, True, True]
    assert "the input has 836 tokens" in (found[0].error or ""), "2499 and 9 bytes, by three"
    assert "long_input=truncate_article" in (found[0].error or "")
    assert len(prompts) == 2, "what is too long is not sent"


def test_nothing_of_the_article_fits() -> None:
    [answer], prompts = ask("summariser", long("word " * 500), 60, prompt="{article}" + "x" * 300)
    assert "nothing of it fits" in (answer.error or "")
    assert prompts == []


def test_a_summary_of_each_window_in_order() -> None:
    text = "".join(f"{i:03}" for i in range(400))
    counter = iter(range(100))
    [answer], prompts = ask(
        "summariser",
        long(text),
        100 + 3 + ROOM + 8,
        lambda _: chat(f"S{next(counter)}."),
        long_input="windows",
    )
    pieces = [p.removesuffix("\n\nSum up.") for p in prompts]
    assert pieces[0] == text[:300]
    # a window has room for 100 tokens; the next one begins (100 + 3) // 8 = 12 before it ends
    assert pieces[1] == text[300 - 36 : 600 - 36]
    assert pieces[-1].endswith("399")
    assert len(pieces) == 5
    assert answer.output == "S0. S1. S2. S3. S4."
    assert answer.raw == "S0.\n\f\nS1.\n\f\nS2.\n\f\nS3.\n\f\nS4."
    assert (answer.tokens_cut, answer.path) == (0, "chat+windows")
    assert (answer.tokens_in, answer.tokens_out) == (500, 50)
    [answer], _ = ask(
        "summariser",
        long(text),
        100 + 3 + ROOM + 8,
        lambda body: chat("S.", usage="399" not in prompt_of(body)),
        long_input="windows",
    )
    assert (answer.tokens_in, answer.tokens_out) == (None, None), "the last window's are not known"


def test_a_window_that_fails_fails_the_item() -> None:
    data = long("".join(f"{i:03}" for i in range(400)), 2)
    with serving(lambda prompt, _: "404" if "399" in prompt else "ok") as server:
        judge = system(
            "summariser",
            base_url=server.url,
            prompt=PROMPT["summariser"],
            max_tokens=8,
            context_tokens=143,
            long_input="windows",
        )
        bad, good = judge.answer(items("summariser", data), Context(data))
    assert (bad.error or "").startswith("window 5 of 5: 404 status 404")
    assert "399" in (bad.prompt or "")
    assert (good.error, good.output, good.path) == (None, "ok", "chat")


def windows(replies: list[dict[str, Any]]) -> Answer:
    """The stance of one pair whose article takes as many windows as there are replies."""
    data = long("".join(f"{i:03}" for i in range(100 * len(replies))))
    given = iter(replies * 4)
    found, prompts = ask(
        "stance", data, 230, lambda _: next(given), long_input="windows", prompt="{article}{speaker}{target}{options}"
    )
    assert len(prompts) == 4 * len(replies)
    assert len({repr(dataclasses.replace(a, prompt="", seconds=0)) for a in found}) == 1
    return found[0]


def test_log_probabilities_of_windows_are_averaged() -> None:
    """A: sqrt(0.5 x 0.1), B: sqrt(0.1 x 0.6), the others sqrt(0.1 x 0.075), by their sum: B is likeliest."""
    one = {"A": 0.5, "B": 0.1, "C": 0.1, "D": 0.1, "E": 0.1, "F": 0.1}
    two = {"A": 0.1, "B": 0.6, "C": 0.075, "D": 0.075, "E": 0.075, "F": 0.075}
    answer = windows([chat("x", {t: math.log(p) for t, p in given.items()}) for given in (one, two)])
    means = [math.sqrt(0.05), math.sqrt(0.06), *[math.sqrt(0.0075)] * 4]
    assert answer.label is Stance.LEAN_OPPOSE
    assert [answer.scores[s] for s in Stance] == pytest.approx([m / sum(means) for m in means])
    assert answer.path == "logprobs+windows"


def test_of_parsed_windows_the_first_stance_speaks() -> None:
    assert windows([chat("F"), chat("D"), chat("A")]).label is Stance.LEAN_SUPPORT
    assert windows([chat("what?"), chat("F")]).label is Stance.NO_STANCE
    unread = windows([chat("what?"), chat("who?")])
    assert (unread.label, unread.error, unread.path) == (None, None, "parsed+windows")
    mixed = windows([chat("E", {"E": -0.1}), chat("A")])
    assert (mixed.label, mixed.scores, mixed.path) == (Stance.SUPPORT, {}, "parsed+windows")


def test_without_a_window_the_server_decides_and_its_words_are_kept(tmp_path: Path) -> None:
    data, store = long("word " * 500, 3), PredictionStore(tmp_path)
    said = '{"error":{"message":"This model\'s maximum context length is 512 tokens, you sent 700.","code":400}}'
    with serving(lambda prompt, _: f"say 400 {said}" if "word" in prompt else "ok") as server:
        judge = system("summariser", base_url=server.url, long_input="error")
        done = answer_all(judge, plan(judge, items("summariser", data), data, store), Context(data), store, "summary")
        assert max(server.seen.values()) == 1
    errors = [p.answer.error for p in done.predictions]
    assert errors == ["400 This model's maximum context length is 512 tokens, you sent 700.", None, None]


def test_the_window_is_identity_only_where_it_is_known() -> None:
    plain = system().fingerprint
    assert system(long_input="error").fingerprint == plain
    known = system(context_tokens=4096).fingerprint
    assert known != plain
    assert system(context_tokens=4096, long_input="windows").fingerprint != known


def test_a_window_without_room_is_refused() -> None:
    with pytest.raises(ConfigError, match="context_tokens must be more than max_tokens and 32"):
        system(context_tokens=40, max_tokens=8)
    with pytest.raises(ConfigError, match="context_tokens must be more"):
        system("summariser", context_tokens=400, max_tokens=8, extra_body={"max_completion_tokens": 390})
    with pytest.raises(ConfigError, match="exactly once"):
        system("summariser", context_tokens=4000, prompt="{article} {article}")

"""Systems on causal models: what is scored, long articles under each policy, an error for the one item that cannot be asked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from harness.config import SystemConfig
from harness.errors import ConfigError, ModelError
from harness.models import prefix_trie
from harness.models.generation import Generation
from harness.models.prefix_trie import score_plain
from harness.results.store import prediction_key
from harness.systems.base import Context, Kind, System
from harness.systems.causal import CausalChoice
from harness.systems.registry import build
from harness.types import STANCES, Article, Dataset, Item, Source, Speaker, Stance, Target
from tests.tiny import byte_tokenizer, save_tiny

PROMPT = "{article} {speaker} on {target}: "
ANSWERS = {
    "oppose": "no",
    "lean_oppose": "no, but",
    "neutral": "both",
    "lean_support": "yes, but",
    "support": "yes",
    "no_stance": "no word of {speaker}",
}
LONG = "".join(f"Day {n} was calm. " for n in range(40)).strip()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"), num_hidden_layers=1)


def made(kind: Kind, adapter: str, folder: Path, **options: Any) -> System:
    settings = {"prompt": PROMPT, "model": str(folder), "dtype": "float32", "base_model": True, **options}
    return build(kind, SystemConfig.model_validate({"name": "m", "adapter": adapter, **settings}), "cpu")


def test_a_base_model_is_asked_only_where_that_is_wanted(folder: Path) -> None:
    system = choice(folder, base_model=False)
    with pytest.raises(ConfigError, match="has no chat template: it is a base model") as raised:
        system.remarks(context().dataset)
    assert "stance.base_model=true" in str(raised.value.hint)
    with pytest.raises(ConfigError, match="has no chat template"):
        system.answer(items("A calm day."), context())
    assert system.fingerprint == choice(folder).fingerprint, "that it may be asked changes no answer"


def test_labels_of_unequal_length_are_remarked_where_they_are_compared_by_the_mean(folder: Path) -> None:
    dataset = context().dataset
    [remark] = choice(folder, normalise="mean").remarks(dataset)
    assert remark.startswith("labels of 1 to 4 words are compared by their mean log-probability a token")
    assert choice(folder, normalise="sum").remarks(dataset) == []
    alike = dict(zip(ANSWERS, "abcdef", strict=True))
    assert choice(folder, normalise="mean", answers=alike).remarks(dataset) == []


def choice(folder: Path, **options: Any) -> Any:
    return made("stance", "causal_choice", folder, **{"answers": ANSWERS, **options})


def article(text: str) -> Article:
    speakers = (Speaker("a", "Olm"), Speaker("b", "Brandt"), Speaker("c", "Olm"))
    return Article("x", "X", text, "e", Source("fictional"), (Target("war", "war"),), speakers)


def items(*texts: str) -> list[Item]:
    return [Item(a, s, t) for a in map(article, texts) for s, t in a.pairs()]


def context() -> Context:
    return Context(Dataset("d", "1", (), ""), device="cpu")


def by_hand(system: CausalChoice, item: Item, normalise: str) -> tuple[Mapping[Stance, float], int]:
    """Each label's value from the plain path: the mean over the windows of the article; and how many windows there are."""
    model = system.load_model(context())
    asked = system.ask(model, item)
    scores = score_plain(model, [system.choices(item, asked)])[0]
    windows = len(asked.prompts)
    assert len(scores) == windows * len(STANCES)
    return {
        label: fmean(scores[w * len(STANCES) + n].value(normalise) for w in range(windows))  # type: ignore[arg-type]
        for n, label in enumerate(STANCES)
    }, windows


@pytest.mark.parametrize("normalise", ["sum", "mean", "pmi"])
@pytest.mark.parametrize("text", ["Olm wants war.", LONG])
def test_the_likeliest_wording_is_the_label(folder: Path, normalise: str, text: str) -> None:
    system = choice(folder, normalise=normalise, long_input="windows")
    asked = items(text)
    answers = system.answer(asked, context())
    for item, found in zip(asked, answers, strict=True):
        values, windows = by_hand(system, item, normalise)
        assert (windows > 1) == (text == LONG)
        assert found.label == found.output == max(values, key=lambda s: values[s])
        assert json.loads(found.raw) == pytest.approx({str(s): v for s, v in values.items()}, abs=1e-4)
        weights = {str(s): math.exp(v) for s, v in values.items()}
        assert found.scores == pytest.approx({s: w / sum(weights.values()) for s, w in weights.items()}, abs=1e-4)
    # two speakers of one name are asked about in the same words
    assert answers[0].scores == answers[2].scores != answers[1].scores


def test_a_wording_that_begins_another_is_scored_up_to_its_own_end(folder: Path) -> None:
    [item, *_] = items("Olm wants war.")
    system = choice(folder)
    model = system.load_model(context())
    options = system.choices(item, system.ask(model, item))
    no, no_but = (score_plain(model, [[o]])[0][0] for o in options[:2])
    assert [o.continuation for o in options[:2]] == ["no", "no, but"]
    found = json.loads(system.answer([item], context())[0].raw)
    assert found["oppose"] == pytest.approx(no.logprob, abs=1e-4)
    assert found["lean_oppose"] == pytest.approx(no_but.logprob, abs=1e-4)


def test_an_article_that_is_too_long_is_cut_read_in_windows_or_an_error_of_its_own(folder: Path) -> None:
    asked = items("Olm wants war.", LONG)
    [short, *_], [*long] = (
        choice(folder, long_input=policy).answer(asked, context())[k]
        for policy, k in (("error", slice(0, 3)), ("error", slice(3, 6)))
    )
    assert short.error is None and short.label in STANCES
    for answer in long:
        assert answer.label is None
        assert "the window of" in answer.error and "long_input=truncate_article" in answer.error
    for policy in ("truncate_article", "windows"):
        first, *_, last = choice(folder, long_input=policy).answer(asked, context())
        assert first.scores == pytest.approx(short.scores, abs=1e-5)
        assert last.error is None
        assert last.prompt.endswith(" Olm on war:\n\n")
        assert last.path == ("prefix_trie" if policy == "truncate_article" else "prefix_trie+windows")
        # a byte is a token
        left = LONG[: len(LONG) - last.tokens_cut]
        assert (left in last.prompt) == (policy == "truncate_article")
        assert (last.tokens_cut > 0) == (policy == "truncate_article")


@pytest.mark.parametrize("kind", ["summariser", "stance"])
def test_generated_answers_to_articles_that_are_too_long(folder: Path, kind: Kind) -> None:
    adapter = "causal" if kind == "summariser" else "causal_generated"
    asked = [items("Olm wants war.")[0], items(LONG)[0]]
    found = {
        policy: made(kind, adapter, folder, long_input=policy, max_new_tokens=8).answer(asked, context())
        for policy in ("error", "truncate_article", "windows")
    }
    assert {short.raw for short, _ in found.values()} == {found["error"][0].raw}
    assert [long.error is None for _, long in found.values()] == [False, True, True]
    assert "the window of" in str(found["error"][1].error)
    assert [long.path for _, long in found.values()] == ["", "rows", "rows+windows"]
    assert found["truncate_article"][1].tokens_cut > 0 == found["windows"][1].tokens_cut
    assert found["windows"][1].tokens_in > found["truncate_article"][1].tokens_in


def test_of_several_windows_the_first_with_a_stance_speaks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["who knows", "no stance", "Stance: support", "Stance: oppose"])

    def generate(_: Any, prompts: list[str], *__: Any, **___: Any) -> list[Generation]:
        assert len(prompts) == 4
        return [Generation(next(said), (5,), 100, "eos", "rows") for _ in prompts]

    monkeypatch.setattr("harness.models.generation.generate", generate)
    system = made("stance", "causal_generated", folder, long_input="windows", max_new_tokens=8)
    [answer] = system.answer([items(LONG)[0]], context())
    assert (answer.label, answer.tokens_in, answer.tokens_out) == (Stance.SUPPORT, 400, 4)
    assert answer.raw == "who knows\n\f\nno stance\n\f\nStance: support\n\f\nStance: oppose"
    assert answer.finish == "eos,eos,eos,eos"
    older = replace(answer, output="", label=None, reading=0)
    assert system.reread(items(LONG)[0], older) == answer


def test_a_prompt_that_leaves_no_room_for_the_article_is_an_error_of_the_item(folder: Path) -> None:
    [answer, *_] = choice(folder, prompt=PROMPT + "x" * 300).answer(items("Olm wants war."), context())
    assert "nothing of it fits" in str(answer.error)


def test_wordings_that_merge_with_the_prompt_are_refused(tmp_path: Path) -> None:
    from tokenizers import models

    tokenizer = byte_tokenizer()
    vocabulary = {**tokenizer.get_vocab(), "no": 258}
    tokenizer.backend_tokenizer.model = models.BPE(vocab=vocabulary, merges=[("n", "o")])
    save_tiny(tmp_path, tokenizer=tokenizer, vocab_size=259)
    system = choice(tmp_path, answer_prefix="n", answers={**ANSWERS, "oppose": "o"})
    [(context_ids, added)] = system.load_model(context()).encode_pairs([("a n", "o")])
    assert (len(context_ids), context_ids[-1], added) == (3, 258, [])
    with pytest.raises(ModelError, match="adds no token"):
        system.answer(items("Olm wants war."), context())


def test_one_pass_takes_all_questions_about_an_article(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system, run, seen = choice(folder), context(), []
    real = prefix_trie.trie_scores
    prefix_trie.trie_holds(system.load_model(run))

    def watched(model: Any, requests: Any, budget: int, **options: Any) -> Any:
        seen.append(len(requests))
        return real(model, requests, budget, **options)

    monkeypatch.setattr(prefix_trie, "trie_scores", watched)
    system.answer(items("Olm wants war."), run)
    assert seen == [3 * len(STANCES)]


def keys(system: System, asked: list[Item]) -> list[str]:
    return [prediction_key(system.fingerprint, system.reads(i, context().dataset)) for i in asked]


@pytest.mark.parametrize("prompt", [PROMPT, "{article} on {target}: "])
def test_what_a_wording_names_is_read_as_what_the_prompt_shows(folder: Path, prompt: str) -> None:
    asked = items("Olm wants war.")
    a, b, c = keys(choice(folder, prompt=prompt), asked)
    # two speakers of one name are asked about in the same words
    assert a == c != b
    plain = {**ANSWERS, "no_stance": "none"}
    assert len(set(keys(choice(folder, prompt=prompt, answers=plain), asked))) == (2 if prompt == PROMPT else 1)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("{article} {speaker!s}", "{speaker!s} would stay as it is: write {speaker}"),
        ("{article} {target:.9}", "{target:.9} would stay as it is: write {target}"),
        ("{article} {who}", "nothing fills {who}"),
        ("{article} {article}", "exactly once"),
        ("{speaker}", "has no {article}"),
    ],
)
def test_a_prompt_is_checked(folder: Path, prompt: str, said: str) -> None:
    for options in ({"prompt": prompt}, {"more_prompts": [prompt]}):
        with pytest.raises(ConfigError, match=re.escape(said)):
            choice(folder, **options)


def test_a_prompt_may_show_braces(folder: Path) -> None:
    [item, *_] = items("Olm wants war.")
    system = choice(folder, prompt='{article} {"speaker": "{speaker}"} ')
    assert system.ask(system.load_model(context()), item).prompts[0].strip().endswith('{"speaker": "Olm"}')


def test_several_wordings_of_the_question_are_averaged_over_one_trie(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "{article} What does {speaker} say of {target}? "
    asked = items("Olm wants war.")
    both, first, second = (choice(folder, **options) for options in ({"more_prompts": [other]}, {}, {"prompt": other}))
    seen, real, run = [], prefix_trie.trie_scores, context()
    prefix_trie.trie_holds(both.load_model(run))

    def watched(model: Any, requests: Any, budget: int, **options: Any) -> Any:
        seen.append(len(requests))
        return real(model, requests, budget, **options)

    one, two = ([json.loads(a.raw) for a in s.answer(asked, context())] for s in (first, second))
    monkeypatch.setattr(prefix_trie, "trie_scores", watched)
    answers = both.answer(asked, run)
    assert seen == [2 * 3 * len(STANCES)]
    for answer, a, b in zip(answers, one, two, strict=True):
        assert json.loads(answer.raw) == pytest.approx({s: (a[s] + b[s]) / 2 for s in a}, abs=1e-4)
        assert answer.path == "prefix_trie"
    assert len({first.fingerprint, second.fingerprint, both.fingerprint}) == 3


def test_short_texts_share_a_unit_and_long_ones_do_not(folder: Path) -> None:
    system = choice(folder)
    short = [replace(i, article=replace(i.article, id=f"s{n}")) for n in range(5) for i in items(f"Text {n}.")]
    long = [replace(i, article=replace(i.article, id=f"l{n}")) for n in range(2) for i in items(f"Text {n}." * 3000)]
    units = system.plan([*short, *long])
    assert [len(u) for u in units] == [15, 3, 3]
    assert [i for u in units for i in u] == [*short, *long]
    together, alone = system.answer(units[0], context()), [a for i in units[0] for a in system.answer([i], context())]
    for a, b in zip(together, alone, strict=True):
        assert a.scores == pytest.approx(b.scores, abs=1e-5)


def test_one_input_that_does_not_fit_the_memory_is_an_error_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = items("Olm wants war.")
    system, real, run = choice(folder), prefix_trie.trie_scores, context()
    expected = system.answer(asked, run)

    def fail(model: Any, requests: Any, budget: int, **options: Any) -> Any:
        if any("Brandt" in model.decode(r.ids.tolist()) for r in requests):
            raise MemoryError("too much")
        return real(model, requests, budget, **options)

    monkeypatch.setattr(prefix_trie, "trie_scores", fail)
    first, second, third = system.answer(asked, run)
    assert second.error == "out of memory for one input: too much"
    for found, was in ((first, expected[0]), (third, expected[2])):
        assert found.error is None
        assert found.scores == pytest.approx(was.scores, abs=1e-5)

"""NLI models and zero-shot stance: equal to transformers' own pipeline, windows pooled, classes read from the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from harness.config import SystemConfig
from harness.errors import ConfigError, ModelError, WindowExceeded
from harness.models.nli import NliModel
from harness.models.pool import ModelPool
from harness.models.source import resolve
from harness.runs.questions import items_for
from harness.systems.base import Context, System
from harness.systems.registry import build
from harness.types import Answer, Article, Dataset, Source, Speaker, Stance, Target
from tests import tiny_encoders as tiny

CONFIGS = Path(__file__).parents[2] / "configs" / "stance"
BUILDERS: dict[str, Callable[..., Path]] = {
    "nli_deberta_v3": tiny.deberta,
    "bart_large_mnli": tiny.bart_nli,
    "political_debate": lambda folder, **more: tiny.deberta(folder, tiny.TWO_CLASSES, **more),
}
SHORT_WORDS = {
    Stance.OPPOSE: "opposes",
    Stance.SUPPORT: "supports",
    Stance.NO_STANCE: "ignores",
}


def config(name: str, **overrides: Any) -> SystemConfig:
    raw = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    return SystemConfig.model_validate({**raw, **overrides})


def system(name: str, folder: Path, **overrides: Any) -> System:
    return build("stance", config(name, model=str(folder), **overrides), "cpu")


def dataset(*texts: str) -> Dataset:
    targets = (Target("shut", "The council may shut the gates."), Target("war", "War is right."))
    speakers = (Speaker("brandt", "Ada Brandt"), Speaker("olm", "General Olm"))
    articles = tuple(
        Article(f"a{i}", "", t, f"e{i}", Source("fictional"), targets, speakers) for i, t in enumerate(texts)
    )
    return Dataset("d", "1", articles, "f")


def answers(asked: System, data: Dataset, budget: int = 8192) -> dict[str, Answer]:
    context = Context(data, ModelPool(), "cpu", budget)
    items = list(items_for("stance", data.articles))
    return {i.id: a for unit in asked.plan(items) for i, a in zip(unit, asked.answer(unit, context), strict=True)}


TEXTS = ("General Olm warned that shutting them would bring war.", "The river council meets.")


@pytest.mark.parametrize("name", BUILDERS)
def test_every_config_equals_the_transformers_pipeline(name: str, tmp_path: Path) -> None:
    from transformers import pipeline

    folder = BUILDERS[name](tmp_path, window=512)
    asked = system(name, folder)
    data = dataset(*TEXTS)
    found = answers(asked, data)
    reference = pipeline("zero-shot-classification", model=str(folder), device="cpu")
    for article in data:
        for speaker, target in article.pairs():
            wordings = {
                s.value: f"{speaker.name} {words} the following: {target.proposition}"
                for s, words in asked.options.verbalisations.items()
            }
            expected = reference(article.text, list(wordings.values()), hypothesis_template="{}")
            by_text = dict(zip(expected["labels"], expected["scores"], strict=True))
            got = found[f"{article.id}/{speaker.id}/{target.id}"]
            assert got.error is None
            assert set(got.scores) == set(wordings)
            for label, text in wordings.items():
                assert got.scores[label] == pytest.approx(by_text[text], abs=1e-6)
            assert wordings[got.label or ""] == expected["labels"][0]
    spread = [max(a.scores.values()) - min(a.scores.values()) for a in found.values()]
    assert max(spread) > 0.02, "scores that are all alike would prove nothing"


def test_a_truncated_article_equals_the_pipeline_s(tmp_path: Path) -> None:
    from transformers import pipeline

    folder = tiny.deberta(tmp_path)
    options = {"hypothesis": "{verbalisation}", "verbalisations": SHORT_WORDS, "long_input": "truncate_article"}
    data = dataset("The river council meets. " * 12)
    got = answers(system("nli_deberta_v3", folder, **options), data)["a0/olm/war"]
    reference = pipeline("zero-shot-classification", model=str(folder), device="cpu")
    expected = reference(data.articles[0].text, list(SHORT_WORDS.values()), hypothesis_template="{}")
    by_text = dict(zip(expected["labels"], expected["scores"], strict=True))
    assert got.tokens_cut > 0
    for label, text in SHORT_WORDS.items():
        assert got.scores[label.value] == pytest.approx(by_text[text], abs=1e-6)


@pytest.mark.parametrize("name", BUILDERS)
def test_answers_do_not_depend_on_the_batch(name: str, tmp_path: Path) -> None:
    folder = BUILDERS[name](tmp_path, window=512)
    asked = system(name, folder)
    together = answers(asked, dataset(*TEXTS))
    tight = answers(asked, dataset(*TEXTS), budget=1)
    for item, answer in together.items():
        assert tight[item].label == answer.label
        assert tight[item].scores == pytest.approx(answer.scores, abs=1e-6)
        assert tight[item].tokens_in == answer.tokens_in


@pytest.mark.parametrize("labels", [tiny.MNLI, tiny.BART_MNLI, {"CONTRADICTION": 0, "Entailment": 1, "x": 2}])
def test_the_entailment_class_is_the_model_s_own(labels: dict[str, int], tmp_path: Path) -> None:
    model = NliModel.load(resolve(str(tiny.deberta(tmp_path, labels))), "cpu")
    expected = next(i for name, i in labels.items() if name.lower().startswith("entail"))
    assert model.entailment_index == expected
    [pair] = model.logits(["the river"], ["war"])
    powers = np.exp(pair.logits[0])
    assert model.entailment(["the river"], ["war"])[0] == pytest.approx(powers[expected] / powers.sum())


def test_a_model_without_an_entailment_class_is_refused(tmp_path: Path) -> None:
    folder = tiny.deberta(tmp_path, {"positive": 0, "negative": 1})
    with pytest.raises(ModelError, match="no NLI model: its classes are positive, negative"):
        NliModel.load(resolve(str(folder)), "cpu")


def test_a_head_that_was_never_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="it has no weights for classifier"):
        NliModel.load(resolve(str(tiny.bert(tmp_path))), "cpu")


def test_windows_are_pooled_by_the_greatest_entailment(tmp_path: Path) -> None:
    model = NliModel.load(resolve(str(tiny.deberta(tmp_path))), "cpu")
    long = " ".join(f"General Olm warned {i} times." for i in range(12))
    [pair] = model.logits([long], ["supports"], "windows", overlap=8)
    assert len(pair.logits) > 2
    assert pair.tokens_cut == 0
    powers = np.exp(pair.logits - pair.logits.max(axis=1, keepdims=True))
    each = (powers / powers.sum(axis=1, keepdims=True))[:, model.entailment_index]
    [again] = model.logits([long], ["supports"], "windows")
    powers = np.exp(again.logits - again.logits.max(axis=1, keepdims=True))
    assert each.max() > each.min()
    assert model.entailment([long], ["supports"])[0] == pytest.approx(
        (powers / powers.sum(axis=1, keepdims=True))[:, model.entailment_index].max()
    )


def test_silence_counts_only_where_every_window_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Window logits of entailment: oppose (1, 3), support (2, 2), no_stance (9, 0): pooled 3, 2 and 0, so oppose."""
    from harness.models.nli import PairLogits

    folder = tiny.deberta(tmp_path)
    asked = system("nli_deberta_v3", folder, verbalisations=SHORT_WORDS)
    columns = [(1.0, 3.0), (2.0, 2.0), (9.0, 0.0)]
    pairs = [PairLogits(np.array([[e, 0.0, 0.0] for e in column]), 10, 0) for column in columns] * 4
    monkeypatch.setattr(NliModel, "logits", lambda *_, **__: pairs)
    got = answers(asked, dataset("x"))["a0/olm/war"]
    assert got.label is Stance.OPPOSE
    total = np.exp(3) + np.exp(2) + np.exp(0)
    assert got.scores == pytest.approx(
        {"oppose": np.exp(3) / total, "support": np.exp(2) / total, "no_stance": 1 / total}
    )


def test_long_articles_are_refused_one_by_one(tmp_path: Path) -> None:
    folder = tiny.deberta(tmp_path, window=96)
    options = {"hypothesis": "{speaker} {verbalisation}", "verbalisations": SHORT_WORDS, "long_input": "error"}
    found = answers(system("nli_deberta_v3", folder, **options), dataset("War is near. " * 40, "War."))
    assert "long_input=windows" in (found["a0/olm/war"].error or "")
    assert found["a1/olm/war"].error is None


def test_a_hypothesis_without_room_for_the_article_is_named(tmp_path: Path) -> None:
    model = NliModel.load(resolve(str(tiny.deberta(tmp_path))), "cpu")
    with pytest.raises(WindowExceeded, match="leaves no room for its premise"):
        model.logits(["a"], ["General Olm " * 40])


def test_an_empty_premise_has_an_answer(tmp_path: Path) -> None:
    model = NliModel.load(resolve(str(tiny.deberta(tmp_path))), "cpu")
    assert 0 < model.entailment([""], ["war"])[0] < 1
    assert len(model.entailment([], [])) == 0


def test_reads_are_text_speaker_and_target_alone(tmp_path: Path) -> None:
    asked = system("nli_deberta_v3", tiny.deberta(tmp_path))
    item = next(items_for("stance", dataset("x").articles))
    assert asked.reads(item, dataset()) == {
        "text": "x",
        "speaker": "Ada Brandt",
        "target": "The council may shut the gates.",
    }


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"hypothesis": "{speaker} {verb}"}, "no {verbalisation}"),
        ({"hypothesis": "{verbalisation} {verb}"}, "nothing fills {verb}"),
        ({"verbalisations": {"oppose": "x"}}, "at least two labels"),
        ({"verbalisations": {"opose": "x", "support": "y"}}, "opose"),
    ],
)
def test_bad_options_are_refused(overrides: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        system("nli_deberta_v3", tmp_path, **overrides)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_hub_model_without_network_names_the_way_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: Any, **__: Any) -> None:
        raise ConnectionError("the hub is far away")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    with pytest.raises(ModelError, match="hub cannot be reached") as error:
        _ = build("stance", config(name), "cpu").fingerprint
    assert "give its folder" in str(error.value)

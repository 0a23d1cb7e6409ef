"""Encoder-decoder summarisers: each config's own loading path on tiny models of the real classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config import SystemConfig
from harness.errors import ConfigError, ModelError
from harness.models.pool import ModelPool
from harness.models.seq2seq import BeamSearch, Seq2SeqModel
from harness.models.source import resolve
from harness.runs.questions import items_for
from harness.systems.base import Context, System
from harness.systems.registry import build
from harness.types import Article, Dataset, Item, Source
from tests import tiny_encoders as tiny

CONFIGS = Path(__file__).parents[2] / "configs" / "summariser"
BUILDERS: dict[str, Callable[[Path], Path]] = {
    "bart_large_cnn": tiny.bart,
    "distilbart_cnn_12_6": tiny.bart,
    "pegasus_cnn": tiny.pegasus,
    "pegasus_xsum": tiny.pegasus,
    "t5_small": tiny.t5,
    "flan_t5_base": tiny.t5,
    "led_base_16384": tiny.led,
}
SHORT = {"max_length": 12, "min_length": 3}
SENTENCES = tiny.TEXT.split(". ")


def config(name: str, **overrides: Any) -> SystemConfig:
    raw = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    return SystemConfig.model_validate({**raw, **overrides})


def system(name: str, folder: Path, **overrides: Any) -> System:
    return build("summariser", config(name, model=str(folder), **overrides), "cpu")


def dataset(*texts: str) -> Dataset:
    articles = tuple(
        Article(f"a{i}", "", text, f"e{i}", Source("fictional"), targets=(), speakers=())
        for i, text in enumerate(texts)
    )
    return Dataset("d", "1", articles, "f")


def answers(asked: System, data: Dataset, budget: int = 4096) -> dict[str, Any]:
    context = Context(data, ModelPool(), "cpu", budget)
    return {
        item.id: answer
        for unit in asked.plan(list(items_for("summariser", data.articles)))
        for item, answer in zip(unit, asked.answer(unit, context), strict=True)
    }


@pytest.mark.parametrize("name", BUILDERS)
def test_every_config_loads_and_answers_as_one_by_one(name: str, tmp_path: Path) -> None:
    folder = BUILDERS[name](tmp_path)
    asked = system(name, folder, **SHORT)
    texts = [SENTENCES[0], " ".join(SENTENCES[:2]), SENTENCES[1], SENTENCES[2] * 2, "War."]
    together = answers(asked, dataset(*texts))
    assert [a.error for a in together.values()] == [None] * len(texts)
    assert len({a.output for a in together.values()}) > 1, "a model that always says the same would hide a mix-up"
    for i, text in enumerate(texts):
        alone = answers(asked, dataset(text))["a0"]
        assert (alone.output, alone.tokens_in, alone.tokens_out) == (
            together[f"a{i}"].output,
            together[f"a{i}"].tokens_in,
            together[f"a{i}"].tokens_out,
        )


@pytest.mark.parametrize("name", BUILDERS)
def test_the_same_tokens_as_plain_generate(name: str, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    folder = BUILDERS[name](tmp_path)
    asked = system(name, folder, **SHORT)
    text = SENTENCES[1]
    got = answers(asked, dataset(text))["a0"]
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForSeq2SeqLM.from_pretrained(folder)
    o = asked.options
    inputs: dict[str, Any] = dict(tokenizer(o.prefix + text, return_tensors="pt"))
    if name.startswith("led"):
        inputs["global_attention_mask"] = torch.zeros_like(inputs["input_ids"])
        inputs["global_attention_mask"][:, 0] = 1
    row = model.generate(
        **inputs,
        num_beams=o.beams,
        do_sample=False,
        max_length=12,
        min_length=3,
        length_penalty=o.length_penalty,
        no_repeat_ngram_size=o.no_repeat_ngram,
        early_stopping=o.early_stopping,
    )[0]
    assert got.output == tokenizer.decode(row, skip_special_tokens=True).strip()
    assert got.tokens_in == inputs["input_ids"].shape[1]


def test_a_model_s_own_decoding_defaults_are_not_used(tmp_path: Path) -> None:
    import json

    folder = tiny.bart(tmp_path)
    file = folder / "generation_config.json"
    plain = answers(system("bart_large_cnn", folder, **SHORT), dataset(SENTENCES[1]))["a0"].output
    file.write_text(
        json.dumps({**json.loads(file.read_text()), "max_new_tokens": 2, "repetition_penalty": 9.0, "num_beams": 1})
    )
    assert answers(system("bart_large_cnn", folder, **SHORT), dataset(SENTENCES[1]))["a0"].output == plain


def test_global_attention_on_the_first_token_matters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Seq2SeqModel.load(resolve(str(tiny.led(tmp_path))), "cpu")
    seen: list[Any] = []
    original = model.model.generate
    monkeypatch.setattr(model.model, "generate", lambda **kw: seen.append(kw) or original(**kw))
    model.generate(["war", "the river council meets"], BeamSearch(max_length=5))
    assert seen[0]["global_attention_mask"].tolist()[0][0] == 1
    assert seen[0]["global_attention_mask"].sum() == 2


def long_text() -> str:
    return " ".join(f"The river council meets {i} times." for i in range(20))


@pytest.mark.parametrize("name", ["bart_large_cnn", "t5_small", "led_base_16384"])
def test_long_input_is_refused_cut_or_windowed(name: str, tmp_path: Path) -> None:
    folder = BUILDERS[name](tmp_path)
    data = dataset(long_text(), SENTENCES[0])
    refused = answers(system(name, folder, long_input="error", **SHORT), data)
    assert "the window of" in refused["a0"].error
    assert "long_input=truncate_article" in refused["a0"].error
    assert refused["a1"].error is None, "the others are answered"

    cut = answers(system(name, folder, long_input="truncate_article", **SHORT), data)
    model = Seq2SeqModel.load(resolve(str(folder)), "cpu")
    n_tokens = len(model.tokenizer(long_text(), add_special_tokens=False).input_ids)
    assert cut["a0"].tokens_in <= model.window
    assert 0 < cut["a0"].tokens_cut < n_tokens
    prefix = len(model.tokenizer(system(name, folder).options.prefix).input_ids)
    assert abs(cut["a0"].tokens_cut + cut["a0"].tokens_in - n_tokens - prefix) <= 2
    assert cut["a1"].tokens_cut == 0

    windows = answers(system(name, folder, long_input="windows", **SHORT), data)
    assert windows["a0"].tokens_cut == 0
    assert "windows" in windows["a0"].path
    assert windows["a0"].tokens_in >= n_tokens


def test_the_prefix_is_never_cut(tmp_path: Path) -> None:
    model = Seq2SeqModel.load(resolve(str(tiny.t5(tmp_path))), "cpu")
    fitted = model.fit("summarize: ", long_text(), "windows")
    assert len(fitted.pieces) > 1
    assert all(len(model.tokenizer("summarize: " + p).input_ids) <= model.window for p in fitted.pieces)
    covered = [False] * len(long_text())
    for piece in fitted.pieces:
        start = long_text().index(piece)
        covered[start : start + len(piece)] = [True] * len(piece)
    assert all(c or long_text()[i].isspace() for i, c in enumerate(covered))


def test_a_longer_window_is_for_relative_positions_only(tmp_path: Path) -> None:
    (tmp_path / "t5").mkdir()
    (tmp_path / "bart").mkdir()
    data = dataset(long_text())
    assert answers(system("t5_small", tiny.t5(tmp_path / "t5"), window=2000, **SHORT), data)["a0"].tokens_cut == 0
    with pytest.raises(ModelError, match="window=2000 is too long"):
        answers(system("bart_large_cnn", tiny.bart(tmp_path / "bart"), window=2000, **SHORT), data)


def test_out_of_memory_halves_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    model = Seq2SeqModel.load(resolve(str(tiny.bart(tmp_path))), "cpu")
    texts = [f"The council meets {i}." for i in range(5)] + ["General Olm warned that " * 4]
    decoding = BeamSearch(max_length=8)
    whole = model.generate(texts, decoding)
    original, sizes = model._generate, []

    def scarce(batch: Any, decoding: BeamSearch) -> Any:
        sizes.append(len(batch))
        if len(batch) > 2 or any(len(row) > 20 for row in batch):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(batch, decoding)

    monkeypatch.setattr(model, "_generate", scarce)
    halved = model.generate(texts, decoding)
    assert max(sizes) == 6
    assert halved[:5] == whole[:5]
    assert halved[5].error is not None
    assert "out of memory" in halved[5].error


def test_units_do_not_depend_on_what_is_asked_first(tmp_path: Path) -> None:
    asked = system("bart_large_cnn", tiny.bart(tmp_path))
    items = [Item(a) for a in dataset(*(f"{'word ' * n}" for n in range(1, 41))).articles]
    units = asked.plan(items)
    assert [len(u) for u in units] == [16, 16, 8]
    assert sorted(i.id for u in units for i in u) == sorted(i.id for i in items)


def test_the_fingerprint_follows_content_and_decoding_not_the_place(tmp_path: Path) -> None:
    import shutil

    (tmp_path / "one").mkdir()
    folder = tiny.bart(tmp_path / "one")
    shutil.copytree(folder, tmp_path / "two")
    first = system("bart_large_cnn", folder)
    assert system("bart_large_cnn", tmp_path / "two").fingerprint == first.fingerprint
    assert system("bart_large_cnn", folder, beams=2).fingerprint != first.fingerprint
    assert system("bart_large_cnn", folder, dtype="bfloat16").fingerprint != first.fingerprint
    (tmp_path / "two" / "vocab.json").write_text("{}")
    assert system("bart_large_cnn", tmp_path / "two").fingerprint != first.fingerprint
    article = dataset("one text").articles[0]
    reads = first.reads(Item(article), dataset())
    assert reads == first.reads(Item(dataclasses.replace(article, title="other", event="x")), dataset())


@pytest.mark.parametrize("name", BUILDERS)
def test_a_hub_model_without_network_names_the_way_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: Any, **__: Any) -> None:
        raise ConnectionError("the hub is far away")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    asked = build("summariser", config(name), "cpu")
    with pytest.raises(ModelError, match="hub cannot be reached") as error:
        _ = asked.fingerprint
    assert "give its folder" in str(error.value)
    assert asked.options.model in str(error.value)


def test_impossible_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="min_length < max_length"):
        system("bart_large_cnn", tmp_path, min_length=200)


def test_a_causal_model_is_no_summariser_of_this_kind(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="as an encoder-decoder model"):
        Seq2SeqModel.load(resolve(str(tiny.bert(tmp_path))), "cpu")

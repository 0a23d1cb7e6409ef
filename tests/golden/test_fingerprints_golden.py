"""Fingerprints that stored answers, records and hand labels rest on: what builds the same answers today has the same ones.

The table was written from the code of commit b209a19, when a fingerprint still contained the module of the system's class.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from harness.config import SystemConfig
from harness.data.summary_stances import read_summary_stances
from harness.models.source import ModelSource, resolve
from harness.results.records import read_record
from harness.results.store import content_hash
from harness.systems import registry, weights
from harness.systems.base import Kind, System
from harness.systems.registry import ADAPTERS, IDENTITIES, build

ROOT = Path(__file__).parents[2]
RECORDS = sorted((ROOT / "results" / "reference" / "runs").glob("*/record.json"))
GROUPS: dict[str, Kind] = {
    "summariser": "summariser",
    "stance": "stance",
    "speakers": "speakers",
    "judge": "stance",
    "metrics/bertscore": "judge",
    "metrics/nli": "judge",
}
"""The kind of system that each group of configs describes."""

FINGERPRINTS = {
    "summariser/bart_large_cnn": "6c497b540165a30140174d39a03f9fb30bc7451dd4d93b12b431ff5ebff5d2e2",
    "summariser/causal": "06e8c1047e73a0e0ac187ee72b9e8c127e6fbd8e2f48c4559191389cfc4e7c2b",
    "summariser/distilbart_cnn_12_6": "9505e1a193e38cbfc1f31c905945770537047929874b0a0dad233b5a9bb26b96",
    "summariser/endpoint": "0e22e8ff459496f0caf544c0c6dd65e86b1f73b81457418f26faaa729efd3efd",
    "summariser/flan_t5_base": "fc04644512670aa60480b40a36434bddd908a530041c11ddea184b071ccdbb0c",
    "summariser/from_file": "29c04ba21c2044e7e35242336188253c2bfcf4bae077c65d8f609151729910c4",
    "summariser/lead3": "c6fdcd945334f2eac58dccf9303b08f053d8a3a77cbc8428cf58c71818d54836",
    "summariser/led_base_16384": "6e40865011a545fd141bf92c49ae742493e2a022dfe6e537555f486462991db4",
    "summariser/lexrank": "28ae23e91243f04f0379e6c77d66a14b45dbeae22711a5ec3932da57c6f9946a",
    "summariser/llama_3_2_1b": "03269607527e6c12732115b761cd2d38ced661b6bedffe47db282e225739b53e",
    "summariser/oracle_extract": "efc3a3146f84d8039d09b12613a3c6055802e68382330b4b9db9c90adae49ca0",
    "summariser/pegasus_cnn": "446bd78be3d7d62f94db443362f94ef779ffec0dd49bdf7d9a5a742da5363214",
    "summariser/pegasus_xsum": "89e216c040ad74f1590d64d6c0e0a7036475e189d9154ba3a50bebcbf1742f33",
    "summariser/qwen2_5_1_5b": "8663f85ac4b3ad1cfca4a3fad0bba26c758082c267b943f792d417ec11f2154a",
    "summariser/smollm2": "708cbce9beb604fbb518685c51bd920b259320e5a2c985bd6decb6b16d037783",
    "summariser/t5_small": "654dc1d820df3f426e7d488ce1e36dd88979affc12b35427989eb6872c3f5d28",
    "stance/annotator_a": "8ccd4870ab189f06fe042897c2d0527137cec77d20adea68f0abf776e29cf44d",
    "stance/annotator_b": "7a3123bafbc9f3aadecf787c22ac72f36ebe4abb9b9abc74a4d9e06e9afccbf8",
    "stance/annotator_c": "30f79ebada2288204f3c9437cbd331c8ac78f7b9cdfff6091687a1daada3567e",
    "stance/bart_large_mnli": "7bdbbe84ad8e252fc8a028029bfeff6868f6b1022effff0f82e654ec4a048daa",
    "stance/causal": "15260705c1d667523b3690214334c7e29caee81d216961a356d57f29ae52b976",
    "stance/endpoint": "1c197c44dd609812dd1e52f9b198ba2d295b97ae117bfafdc27f8a7c05b5c48d",
    "stance/from_file": "8e5a18958f6cb791bbf99c8aaccb2f7355c5e71870ccb11d965a5f958b51339b",
    "stance/llama_3_2_1b": "1aecf36ecdf1d9bde81b672b4d2aa170b5dbcc2d73b02f1f8d71f28417c479eb",
    "stance/majority": "e9a382205cfe266c9e85a403c3e7e751cd70c5aa693f3420054637f5fcbe9f62",
    "stance/metadata": "1f4a28f29c197bd6cc5e80c24eab5734842e98243d12d982b6da33d551c82e8a",
    "stance/minilm_probe": "d691f3c5132449cfe93581ba102df263ed098790ea69490a18c845a68cfca8c3",
    "stance/name_only": "13d62f28435bb909912bcfe936b343df6b15f1e52ad3ba260077e3ee5bfb0668",
    "stance/nli_deberta_v3": "bfc289c066152aa54f6fa6844f6640cb1c695c4e8dd33309ed3e46af204ba999",
    "stance/political_debate": "e7da128e27df40e88b34963a9bd63a56737456a79025c645b983e04e1b7445a6",
    "stance/qwen2_5_1_5b": "1e9004f21c32d94d81d2eb3785a61688406ae06b5cf994f8949f4af11b1eae2d",
    "stance/sentiment": "10e03543c34d13a62a7e12b7c81e82683e3b5a9f723fb7af321cab4cf88663a7",
    "stance/smollm2": "dfa26d48e52dfa4e918e5804658a58fc2ecb515c666075b07a7e8526b951d371",
    "stance/smollm2_generated": "1becd0b1b5ca74c5c964e32f17dc813e18f830b0138cce7e8dc22b82a181f860",
    "stance/tfidf_svm": "28f1e355ba50db8651041aa9b8d941e41f6c4e11861491afa381be8d488b8366",
    "speakers/cues": "bab73907f58174c9d6a70d3c8ae5757d5a6e490ea1c29b100047d1ab5e1a65c6",
    "speakers/rule": "4065631845b8cbd68a2ce893af47dfe3cbd4f9d7790420d9cba0076935f84cc1",
    "speakers/smollm2": "88687d5b87cb9adb0fabb1d8035b31b66465a8fe7e5c1a91aa3198f05ae8b516",
    "speakers/spacy": "4e2b1b066f337f42ac0b25031f4f60f53bd2f7e6fd24968236ea02cd36d3ef3a",
    "judge/minilm_probe": "d691f3c5132449cfe93581ba102df263ed098790ea69490a18c845a68cfca8c3",
    "judge/sentiment": "10e03543c34d13a62a7e12b7c81e82683e3b5a9f723fb7af321cab4cf88663a7",
    "judge/smollm2": "dfa26d48e52dfa4e918e5804658a58fc2ecb515c666075b07a7e8526b951d371",
    "judge/tfidf_svm": "28f1e355ba50db8651041aa9b8d941e41f6c4e11861491afa381be8d488b8366",
    "metrics/bertscore/minilm": "29d6f8d4c0c65844db143d6330bb504f046847f4da65baee84b358b1b0fa78c7",
    "metrics/bertscore/roberta_large": "4d50e8ef6f728fa33c954cf012c8522ecc054dc0860abc4f359d48ec97ea63fb",
    "metrics/nli/bart_large_mnli": "641f7d61bfe71ccb5fdc30f866fcb6a146e5322b5cf3d500940223bc94044cfb",
    "metrics/nli/nli_deberta_v3": "514c622194b2c1450c851aa5aff8bf65e6b9f5223382c55d2456def2bae9c4ef",
}
"""Of every config, on the processor, the weights of hub models being those of a commit of zeros, files of answers those in
tests/answered."""

RAISED = {
    "summariser/lexrank": "5d9d64c9ca745f5678726f8e8b2fe74ee5b14d7ebd763ee54fa0ab7c606de533",
    "stance/sentiment": "8a19e23c7a730e8eb7d4e9731bdfbae7288091b96e8bef688f441f4f0c2aa524",
    "stance/tfidf_svm": "d280eb6bc05b3030ef425acdb252dc90ca4b5c8171581d8eda95e676d05ee554",
    "speakers/rule": "f7b3720ee7395157824be7f3a13eb00dbb801acdf89da8846c7ab596d4fee18b",
}
"""The fingerprints of adapters at version 1 whose version is 2 since they read typographic marks as plain ones."""


@pytest.fixture(autouse=True)
def _hub_models_at_one_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def source(model: str, revision: str | None = None) -> ModelSource:
        if model.startswith("package:"):
            return resolve(model, revision)
        return ModelSource(model, "hub", None, "0" * 40, revision)

    monkeypatch.setattr(weights, "resolve", source)


def configured() -> Iterator[str]:
    for group in GROUPS:
        for file in sorted((ROOT / "configs" / group).glob("*.yaml")):
            if file.stem != "none":
                yield f"{group}/{file.stem}"


def from_config(name: str) -> System:
    options = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
    if options.get("model", "") in ("???", None):
        options["model"] = "org/model"
    if options.get("path") == "???":
        options["path"] = str(ROOT / "tests" / "answered" / f"harbour_{name.partition('/')[0]}.csv")
    return build(GROUPS[name.rpartition("/")[0]], SystemConfig.model_validate(options), device="cpu")


def test_every_config_has_a_fingerprint_here() -> None:
    assert list(configured()) == list(FINGERPRINTS), "a new config gets a line here, and no line ever changes"


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_a_config_keeps_its_fingerprint(name: str) -> None:
    assert from_config(name).fingerprint == FINGERPRINTS[name]


@pytest.mark.parametrize("name", RAISED)
def test_a_raised_version_is_all_that_changed(name: str) -> None:
    assert content_hash({**from_config(name).identity(), "version": "1"}) == RAISED[name]


@pytest.mark.parametrize("path", RECORDS, ids=lambda p: p.parent.name)
def test_the_systems_of_a_committed_record_are_rebuilt_with_its_fingerprints(path: Path) -> None:
    record = read_record(path)
    metrics = record.config["metrics"]
    sections = {**record.config, "bertscore": metrics["bertscore"], "nli": metrics["nli"]}
    kinds = {"judge": "stance", "bertscore": "judge", "nli": "judge"}
    assert record.systems
    for use in record.systems:
        section = SystemConfig.model_validate(sections[use.kind])
        system = build(kinds.get(use.kind, use.kind), section, device="cpu", seed=record.config["seed"])  # type: ignore[arg-type]
        raised = use.fingerprint in RAISED.values()
        identity = {**system.identity(), "version": "1"} if raised else system.identity()
        assert identity == use.identity
        assert content_hash(identity) == use.fingerprint


def test_hand_labels_belong_to_a_judge_that_a_config_still_builds() -> None:
    samples = read_summary_stances(ROOT / "datasets" / "escalation").samples
    assert samples
    for sample in samples:
        assert from_config(f"judge/{sample.judge}").fingerprint == sample.fingerprint


@pytest.mark.parametrize("name", [n for n in FINGERPRINTS if not n.startswith("judge/")])
def test_a_class_that_moves_or_is_renamed_keeps_its_fingerprint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cls, kind = type(from_config(name)), GROUPS[name.rpartition("/")[0]]
    room = ModuleType("harness.elsewhere")
    room.Renamed = type("Renamed", (cls,), {"__module__": room.__name__})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, room.__name__, room)
    for adapter, place in ADAPTERS[kind].items():
        if place == f"{cls.__module__}:{cls.__name__}":
            monkeypatch.setitem(ADAPTERS[kind], adapter, "harness.elsewhere:Renamed")
    moved = from_config(name)
    assert type(moved) is room.Renamed
    assert moved.fingerprint == FINGERPRINTS[name]


def test_built_in_adapters_are_identified_each_by_a_name_of_its_own() -> None:
    names = [registry.identity_of(kind, name) for kind, adapters in ADAPTERS.items() for name in adapters]
    assert None not in names
    assert len(set(names)) == len(names)
    assert set(IDENTITIES) <= {(kind, name) for kind, adapters in ADAPTERS.items() for name in adapters}, (
        "an adapter that was renamed takes its identity along"
    )


class _Stranger(System):
    """A system of somebody else's package."""

    kind = "stance"

    def reads(self, item, dataset):  # type: ignore[no-untyped-def]
        return {}

    def answer(self, items, context):  # type: ignore[no-untyped-def]
        return []


def test_an_adapter_of_another_package_is_identified_by_the_place_of_its_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it always was: what it answered before stays its own."""
    monkeypatch.setattr(registry, "adapters", lambda kind: {"strange": f"{__name__}:_Stranger"})
    system = build("stance", SystemConfig(name="stranger", adapter="strange"))
    assert system.identity()["adapter"] == f"{_Stranger.__module__}:_Stranger"
    monkeypatch.setattr(_Stranger, "adapter", "before_it.moved:Stranger")
    assert (
        build("stance", SystemConfig(name="stranger", adapter="strange")).identity()["adapter"]
        == "before_it.moved:Stranger"
    )


def test_a_new_built_in_adapter_is_identified_by_its_registered_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ADAPTERS["stance"], "strange", f"{__name__}:_Stranger")
    system = build("stance", SystemConfig(name="stranger", adapter="strange"))
    assert system.identity()["adapter"] == "stance.strange"

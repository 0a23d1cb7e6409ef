"""Finds the adapter that a config names, checks the config's options and builds the system."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from harness.config import SystemConfig, explain
from harness.errors import ConfigError, UnknownSystem
from harness.systems.base import Kind, System
from harness.systems.class_place import system_at

ADAPTERS: dict[Kind, dict[str, str]] = {
    "summariser": {
        "lead": "harness.systems.extractive:Lead",
        "lexrank": "harness.systems.extractive:LexRank",
        "oracle_extract": "harness.systems.extractive:OracleExtract",
        "causal": "harness.systems.causal:CausalSummariser",
        "seq2seq": "harness.systems.seq2seq:Seq2SeqSummariser",
        "endpoint": "harness.systems.endpoint:EndpointSummariser",
        "from_file": "harness.systems.from_file:SummariesFromFile",
    },
    "stance": {
        "majority": "harness.systems.labels:Majority",
        "annotator": "harness.systems.labels:Annotator",
        "sentiment": "harness.systems.sentiment:Sentiment",
        "causal_choice": "harness.systems.causal:CausalChoice",
        "causal_generated": "harness.systems.causal:CausalGenerated",
        "linear": "harness.systems.ngram_svm:LinearText",
        "metadata": "harness.systems.metadata:Metadata",
        "probe": "harness.systems.probe:EmbeddingProbe",
        "zero_shot": "harness.systems.zero_shot:ZeroShot",
        "endpoint": "harness.systems.endpoint_stance:EndpointStance",
        "from_file": "harness.systems.from_file:StancesFromFile",
    },
    "speakers": {
        "rule": "harness.systems.speakers_rule:RuleSpeakers",
        "cues": "harness.systems.speakers_cues:CueSpeakers",
        "spacy": "harness.systems.speakers_spacy:SpacySpeakers",
        "causal_json": "harness.systems.speakers_causal:CausalSpeakers",
    },
    "judge": {
        "bertscore": "harness.systems.summary_judges:BertScoreJudge",
        "nli": "harness.systems.summary_judges:NliJudge",
    },
}
"""Where each adapter lives; imported only when a config asks for it."""

IDENTITIES: dict[tuple[Kind, str], str] = {
    ("summariser", "lead"): "systems.extractive:Lead",
    ("summariser", "lexrank"): "systems.extractive:LexRank",
    ("summariser", "oracle_extract"): "systems.extractive:OracleExtract",
    ("summariser", "causal"): "systems.causal:CausalSummariser",
    ("summariser", "seq2seq"): "systems.seq2seq:Seq2SeqSummariser",
    ("summariser", "endpoint"): "systems.endpoint:EndpointSummariser",
    ("stance", "majority"): "systems.labels:Majority",
    ("stance", "annotator"): "systems.labels:Annotator",
    ("stance", "sentiment"): "systems.sentiment:Sentiment",
    ("stance", "causal_choice"): "systems.causal:CausalChoice",
    ("stance", "causal_generated"): "systems.causal:CausalGenerated",
    ("stance", "linear"): "systems.linear:LinearText",
    ("stance", "probe"): "systems.probe:EmbeddingProbe",
    ("stance", "zero_shot"): "systems.zero_shot:ZeroShot",
    ("stance", "endpoint"): "systems.endpoint:EndpointStance",
    ("speakers", "rule"): "systems.speakers_rule:RuleSpeakers",
    ("speakers", "causal_json"): "systems.speakers_causal:CausalSpeakers",
    ("judge", "bertscore"): "systems.summary_judges:BertScoreJudge",
    ("judge", "nli"): "systems.summary_judges:NliJudge",
}
"""What the fingerprints of version 0.1.0 call its adapters: the places where their classes were then.

Stored answers and hand labels are found by these words, which stay whatever becomes of the classes. An adapter that is
not here is called by its registered name, such as `stance.my_adapter`.
"""


def adapters(kind: Kind) -> dict[str, str]:
    """Built-in adapters of a kind, and those that other packages declare in the entry-point group `harness.systems`.

    An entry point is called `<kind>.<adapter>`, such as `stance.my_model`.
    """
    places = dict(ADAPTERS[kind])
    for point in entry_points(group="harness.systems"):
        point_kind, _, name = point.name.partition(".")
        if point_kind == kind and name not in places:
            places[name] = point.value
    return places


def identity_of(kind: Kind, adapter: str) -> str | None:
    """What the fingerprints of a built-in adapter's systems call it; None for one of another package."""
    if adapter not in ADAPTERS[kind]:
        return None
    return IDENTITIES.get((kind, adapter), f"{kind}.{adapter}")


def build(kind: Kind, config: SystemConfig, device: str = "auto", seed: int = 0) -> System:
    """The system that a config describes, with the run's seed where its own is null; UnknownSystem or ConfigError."""
    code = None
    if config.place is not None:
        cls, code = system_at(kind, config.place)
    else:
        # what other packages declare is looked up for their adapters alone: that reads every installed package
        place = ADAPTERS[kind].get(config.adapter) or adapters(kind).get(config.adapter)
        if place is None:
            raise UnknownSystem(f"{kind} adapter", config.adapter, adapters(kind))
        module, _, name = place.partition(":")
        cls = getattr(import_module(module), name)
    try:
        options: Any = cls.Options.model_validate(config.options)
    except ValidationError as error:
        what = f"{kind} {config.name!r} (adapter {config.adapter})"
        group = f"metrics/{config.adapter}" if kind == "judge" else kind
        raise ConfigError(explain(error, cls.Options, what), hint=f"see configs/{group}/{config.name}.yaml") from None
    if getattr(options, "seed", 0) is None:
        options = options.model_copy(update={"seed": seed})
    system = cls(config.name, options, config.description, device)
    system.adapter = code or identity_of(kind, config.adapter) or cls.adapter
    return system

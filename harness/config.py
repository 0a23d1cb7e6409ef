"""What a config may say: every field, default and bound; unknown fields are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from harness.errors import ConfigError, nearest_hint
from harness.runtime.files import encodable
from harness.runtime.secrets import secrets_in

CLASS = "class"
"""Adapter of a system whose class is named by its file."""
SECRET = "secret"
"""Type of the errors whose input is not shown."""


class Config(BaseModel):
    """Base of every config section."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def _listed(value: Any) -> Any:
    """One id without brackets is a list of one: articles=one-id."""
    return [str(value)] if isinstance(value, str | int) and not isinstance(value, bool) else value


Names = Annotated[list[str], BeforeValidator(_listed)]


class DatasetConfig(Config):
    """Which articles: a folder, .jsonl or .parquet of the labelled schema, or a folder of plain texts without labels."""

    path: str
    format: Literal["labelled", "texts"] = "labelled"
    targets: Names | None = Field(default=None, description="ids of the targets that are asked about; null: all")
    description: str = ""


class SystemConfig(BaseModel):
    """A system: its adapter, and the adapter's own options, which the registry checks."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    adapter: str
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _of_a_class(cls, raw: Any) -> Any:
        """`{class: my.py:Mine}` says adapter, name and description, where nothing else does."""
        if not isinstance(raw, dict) or not raw.get("class"):
            return raw
        place = str(raw["class"])
        plain = {k: v for k, v in raw.items() if (k, v) not in (("name", "none"), ("adapter", "none"))}
        name = "".join(c if c.isalnum() else "_" for c in place.rpartition(":")[2]).lower()
        return {"name": name or "mine", "description": place, **plain, "adapter": CLASS}

    @property
    def options(self) -> dict[str, Any]:
        """The adapter's own options."""
        return {k: v for k, v in (self.model_extra or {}).items() if (k, self.adapter) != ("class", CLASS)}

    @property
    def place(self) -> str | None:
        """Where the class of a system that is named by its file stands: `my.py:Mine`."""
        return str((self.model_extra or {}).get("class", "")) if self.adapter == CLASS else None

    @model_validator(mode="after")
    def _holds_no_secret(self) -> Self:
        # a config goes into the record, whatever becomes of the run
        for finding in secrets_in(self.options):
            raise PydanticCustomError(SECRET, "{finding}", {"finding": encodable(finding)})
        return self


def _absent(value: Any) -> Any:
    """`summariser=none` composes a section whose adapter is none: the run has no such system."""
    if isinstance(value, str):
        raise PydanticCustomError(
            "absent", "a system is chosen by its group, as in metrics/bertscore={value}", {"value": encodable(value)}
        )
    if not (isinstance(value, dict) and value.get("adapter") == "none") or value.get("class"):
        return value
    if options := sorted(map(str, value.keys() - {"name", "adapter", "description"})):
        raise PydanticCustomError(
            "absent",
            "{options}: none was chosen here, which has no options; choose a system first, as in stance=smollm2 or "
            "metrics/bertscore=minilm",
            {"options": encodable(", ".join(options))},
        )
    return None


Optional = Annotated[SystemConfig | None, BeforeValidator(_absent)]


class ProbeConfig(Config):
    """Which change of the articles, or of the prompt, is asked about: a probe by name, and one of its variants.

    Without a variant a run becomes several: the articles as they are, and each variant. `all` stands for every probe.
    """

    name: str
    variant: str | None = None


def _no_probe(value: Any) -> Any:
    """`probe=none` composes a section of that name: the articles stay as they are."""
    if isinstance(value, str):
        raise PydanticCustomError(
            "absent", "a probe is chosen by its group, as in probe={value}", {"value": encodable(value)}
        )
    return None if isinstance(value, dict) and value.get("name") == "none" else value


class MetricsConfig(Config):
    """Which metrics are computed and how intervals are drawn; `bertscore` and `nli` are judges that a metric needs."""

    rouge_tokenizer: Literal["google", "unicode"] = "google"
    rouge_stemmer: bool = True
    bertscore: Optional = None
    nli: Optional = None
    resamples: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    seed: int = 0


class ExecutorConfig(Config):
    """Where and how work is done; never part of a run's identity. What follows `model_memory_gb` is of `executor=ray` alone:
    where the cluster is (null: one of this machine), how many workers, and what each takes of its node."""

    name: Literal["local", "ray"] = "local"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    token_budget: Annotated[int, Field(ge=256)] = 16_384
    model_memory_gb: Annotated[float, Field(gt=0)] = 8.0
    address: Annotated[str, Field(pattern=r"^(local|auto|ray://\S+|[\w.-]+:\d+)$")] | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    num_cpus: Annotated[float, Field(ge=0)] = 1.0
    num_gpus: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _of_its_executor(self) -> Self:
        rays = {"address", "workers", "num_cpus", "num_gpus"}
        if self.name == "local" and (fields := sorted(rays & self.model_fields_set)):
            raise ValueError(f"{', '.join(fields)}: of executor=ray alone")
        if self.name == "ray" and self.device == "cuda" and not self.num_gpus:
            raise ValueError("num_gpus: a worker on cuda needs a share of a GPU, as in executor.num_gpus=1")
        return self

    @model_serializer(mode="wrap")
    def _as_before_there_was_ray(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        local = ("name", "device", "token_budget", "model_memory_gb")
        return {name: value for name, value in fields.items() if self.name == "ray" or name in local}


class RunConfig(Config):
    """One run, fully resolved."""

    dataset: DatasetConfig
    summariser: Optional = None
    stance: Optional = None
    speakers: Optional = None
    judge: Optional = None
    probe: Annotated[ProbeConfig | None, BeforeValidator(_no_probe)] = None
    metrics: MetricsConfig = MetricsConfig()
    executor: ExecutorConfig = ExecutorConfig()
    split: Literal["dev", "test", "all"] = "all"
    articles: Names | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    seed: int = 0
    dry: bool = False
    allow_code: bool = False
    results: Path = Path("results")

    @model_serializer(mode="wrap")
    def _as_before_there_were_probes(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return {name: value for name, value in fields.items() if value is not None or name != "probe"}

    def sections(self) -> dict[str, SystemConfig | None]:
        """What the config says of each system by its role, in the order in which they are asked."""
        return {
            "summariser": self.summariser,
            "speakers": self.speakers,
            "stance": self.stance,
            "judge": self.judge,
            "bertscore": self.metrics.bertscore,
            "nli": self.metrics.nli,
        }

    def identity(self) -> dict[str, Any]:
        """The fields that decide what is computed; paths, executor and `dry` do not.

        Of a system only the name is here: its fingerprint says the rest, and leaves out where weights lie, how many
        requests go to a server at once and the like.
        """
        elsewhere = {"dataset", "executor", "results", "dry", "allow_code", "limit", "articles", "split"}
        systems = {"summariser", "speakers", "stance", "judge"}
        excluded: Any = {**dict.fromkeys(elsewhere | systems, True), "metrics": {"bertscore", "nli"}}
        names = {role: section.name for role, section in self.sections().items() if section is not None}
        return {**self.model_dump(mode="json", exclude=excluded), **names}


def parse_run_config(raw: dict[str, Any]) -> RunConfig:
    """The validated config; ConfigError names field, value (never of a secret) and the nearest known field."""
    # before anything else: a finding of pydantic's shows the value that it is about
    if secrets := secrets_in(raw):
        raise ConfigError("\n".join(f"config: {finding}" for finding in secrets))
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain(error, RunConfig, "config"), hint="harness run --help shows the fields") from None


def explain(error: ValidationError, model: type[BaseModel], what: str) -> str:
    """pydantic's findings, one a line, with the nearest known field for an unknown one."""
    lines = []
    for item in error.errors(include_url=False):
        where = ".".join(map(str, item["loc"]))
        if item["type"] == "extra_forbidden":
            known = sorted(_model_at(model, item["loc"][:-1]).model_fields)
            hint = nearest_hint(str(item["loc"][-1]), known)
            lines.append(f"{what}: {where}: unknown field; {hint}known here: {', '.join(known) or 'none'}")
        elif item["type"] == SECRET:
            lines.append(f"{what}: {where}: {item['msg']}")
        else:
            lines.append(f"{what}: {where}: {item['msg']} (got {item.get('input')!r})")
    return "\n".join(lines)


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel]:
    for step in loc:
        field = model.model_fields.get(str(step))
        if field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
    return model

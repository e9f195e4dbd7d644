"""Every setting, and the only reader of the environment. Each is RINGFENCE_ plus its name in capitals."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ringfence.errors import SettingError

ROOT = Path(__file__).parent.parent
PREFIX = "RINGFENCE_"


class Settings(BaseSettings):
    """What a stage can be told. The table in docs/operations.md is made from the descriptions."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    bootstrap: str = Field("127.0.0.1:19092", description="Kafka broker to start from, host:port.", pattern=r".+:\d+")
    security: Literal["SASL_PLAINTEXT", "SASL_SSL", "PLAINTEXT"] = Field(
        "SASL_PLAINTEXT", description="Security protocol of the broker's listener."
    )
    registry_url: str | None = Field(
        None,
        description="A schema registry; set, topics are in the Confluent wire format: docs/registry.md.",
        pattern=r"^https?://[^@\s?#]+$",
    )
    registry_auth: Path | None = Field(
        None,
        description="File with user:password for the schema registry (https), mode 600; unset, nobody logs in.",
    )
    password: SecretStr | None = Field(
        None,
        description="Password of the stage's user; unset, it is read from the secrets under RINGFENCE_HOME.",
    )
    ca: Path | None = Field(
        None, description="Certificate of the CA that the broker is trusted by; unset, tls/ca.pem under RINGFENCE_HOME."
    )
    home: Path = Field(Path(".ringfence"), description="Folder for secrets, the embedded Kafka and its caches.")
    policies: Path = Field(ROOT / "policies", description="Folder of the policy bundle and the camera register.")
    model: Path = Field(
        ROOT / "models" / "ringfence_plates.onnx",
        description="The plate model, ONNX, or `hub:NAME` for one of fast-plate-ocr's hub, fetched "
        "once: docs/plate-reader.md.",
    )
    finder: Path = Field(
        ROOT / "models" / "ringfence_finder.onnx", description="The network that finds plates in a picture, ONNX."
    )
    regime: str | None = Field(None, description="Pin one regime; unset, the date of capture selects it.")
    purpose: Literal["crime", "national_security"] = Field(
        "crime", description="What the police ask for the data for; some regimes allow only one purpose."
    )
    clock_offset: float = Field(
        0.0, description="Seconds added to wall time: the pipeline's clock. Negative for a day in the past."
    )
    clock_bound: float = Field(
        300.0,
        gt=0,
        description="Seconds by which a camera's clock and the broker's may differ before a read is denied.",
    )
    wrong_cost: float = Field(
        19.0,
        ge=0,
        le=1e6,
        description="How many right reads one wrong read is worth; a read needs a confidence of cost / (cost + 1): "
        "19 is 95 %.",
    )
    shots: int = Field(
        3, ge=1, le=8, description="Most pictures of one passage that a replay sends as one frame; 1: no fusion."
    )
    member: str = Field(
        "0",
        pattern=r"^[A-Za-z0-9-]{1,40}$",
        description="Name of this process within its stage; each needs its own.",
    )
    transaction_ms: int = Field(
        40,
        ge=1,
        le=10_000,
        description="Longest time that a stage gathers records for one transaction, in ms.",
    )
    transaction_records: int = Field(10_000, ge=1, le=100_000, description="Most records in one transaction.")
    metrics_port: int = Field(0, ge=0, le=65_535, description="Port of /metrics on 127.0.0.1; 0 switches it off.")
    metrics_address: str = Field("127.0.0.1", description="Address that /metrics listens on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_json: bool = Field(False, description="Log as JSON, one object a line.")

    @property
    def least_confidence(self) -> float:
        """From here on, 0 to 1, a read is worth more than it costs: p right reads less 1 - p wrong ones."""
        return self.wrong_cost / (self.wrong_cost + 1)

    def of_own_broker(self, tls: bool = False) -> "Settings":
        """The same, for a broker of our own: how to log in there is known, whatever the environment says of another."""
        return self.model_copy(
            update={"password": None, "ca": None, "security": "SASL_SSL" if tls else "SASL_PLAINTEXT"}
        )


def load(**given: Any) -> Settings:
    """The settings from the environment, overruled by what is given and not None; or SettingError."""
    _refuse_unknown(os.environ)
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingError(f"{name}: {first['msg']}; see `ringfence --help` or docs/operations.md") from None


def _refuse_unknown(environment: Iterable[str]) -> None:
    """SettingError for a RINGFENCE_ name that is no setting: a slip of the pen must not pass for a default."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in environment:
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "see docs/operations.md for all of them"
            raise SettingError(f"{name} is no setting: {hint}")

"""Where things are: command line > `VISIONSEEK_*` > `visionseek.toml` > defaults.

Settings say where; what a model or an index is (dimension, image size, hashes) comes from manifests only.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from visionseek.errors import SettingsError

PREFIX = "VISIONSEEK_"
CONFIG_FILE = Path("visionseek.toml")


class Settings(BaseSettings):
    """Frozen; built once at the edge by `load_settings` and handed on as flat arguments."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,  # `VISIONSEEK_DATA=` is "not given", and not the working directory
        toml_file=CONFIG_FILE,
        frozen=True,
        extra="forbid",
        validate_default=True,
    )

    data: Path = Field(
        Path(".visionseek"),
        description="the one folder of all state: database, pictures, shards, logs",
    )
    shared: Path = Field(Path("../shared"), description="evaluation data that is not part of the project")

    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the catalog database; default: SQLite in the data folder"
    )
    picture_store: str | None = Field(
        None,
        pattern=r"^s3://[^/@\s]+(/\S*)?$",
        description="s3://bucket/prefix that keeps the pictures; default: `pictures` in the data folder",
    )

    triton_host: str = Field("127.0.0.1", description="host that Triton listens on or is reached at")
    triton_grpc_port: int = Field(0, ge=0, le=65535, description="0: a free port is chosen by `up`")
    triton_http_port: int = Field(0, ge=0, le=65535, description="0: a free port is chosen by `up`")
    triton_metrics_port: int = Field(0, ge=0, le=65535, description="0: a free port is chosen by `up`")
    triton_shards_host: str | None = Field(
        None, description="host of the Triton that has the shards, where that is not the encoder's"
    )
    triton_shards_grpc_port: int = Field(
        0, ge=0, le=65535, description="its gRPC port; 0: the same as the encoder's"
    )
    triton_server: Path | None = Field(
        None, description="a tritonserver binary to use instead of the one from the wheel"
    )

    api_host: str = Field("127.0.0.1", description="host that the API listens on")
    api_port: int = Field(0, ge=0, le=65535, description="0: a free port is chosen by `up`")

    max_image_bytes: int = Field(20_000_000, gt=0, description="largest picture taken, in bytes")
    max_image_pixels: int = Field(50_000_000, gt=0, description="largest picture taken, in pixels a frame")
    max_image_frames: int = Field(200, gt=0, description="most frames of an animation; the first is used")

    query_deadline_ms: int = Field(2_000, gt=0, description="longest a query may take, in milliseconds")
    max_concurrent_queries: int = Field(64, gt=0, description="queries in flight; above it the answer is 429")

    @field_validator("data", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if str(value) == "":
            raise ValueError("names no folder")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- pydantic-settings' own signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line, then environment, then `visionseek.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def model_repository(self) -> Path:
        """The live repository that Triton serves; `up` seeds it from the shipped `model_repository/`."""
        return self.data / "model_repository"

    @property
    def pictures(self) -> Path:
        """The folder of pictures; with `picture_store` no more than a cache of it."""
        return self.data / "pictures"

    @property
    def logs(self) -> Path:
        """Where servers of the local stack write their logs."""
        return self.data / "logs"

    @property
    def index(self) -> Path:
        """Embedding store, index manifests and the pointer to the serving generation."""
        return self.data / "index"

    def catalog_url(self) -> str:
        """SQLAlchemy URL of the catalog database."""
        return self.database_url or f"sqlite:///{(self.data / 'catalog.sqlite3').absolute()}"


def load_settings(**overrides: Any) -> Settings:
    """Build the settings once; `overrides` are command-line values, None meaning "not given".

    Raises:
        SettingsError: a value of the wrong type, an unknown key in the file, or a `VISIONSEEK_*`
            variable that names no setting.
    """
    _refuse_unknown_variables()
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        raise SettingsError(
            f"setting `{key}`: {first['msg'].removeprefix('Value error, ')} (got {first.get('input')!r})",
            where=f"option --{key.replace('_', '-')}" if overrides.get(key) is not None else _origin(key),
            mend=_suggest(key, list(Settings.model_fields)) if unknown else None,
        ) from error
    except ValueError as error:  # a TOML file that does not parse
        raise SettingsError(str(error), where=str(CONFIG_FILE.absolute())) from error


def _refuse_unknown_variables() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise SettingsError(
                f"environment variable {name} names no setting", mend=_suggest(name.upper(), sorted(known))
            )


def _origin(key: str) -> str | None:
    if f"{PREFIX}{key.upper()}" in {name.upper() for name in os.environ}:
        return f"environment variable {PREFIX}{key.upper()}"
    return str(CONFIG_FILE.absolute()) if CONFIG_FILE.exists() else None


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"

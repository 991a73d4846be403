"""Every setting, defined once. The README's table is made from this file (`make docs`).

Read with `load()`; a wrong or unknown value raises ConfigurationError naming the variable, the problem and
an example. Nothing else in Parley reads the environment.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from infra.crypto import parse_keys
from schemas.errors import ConfigurationError

PREFIX: Final = "PARLEY_"
UNPREFIXED: Final = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")


def _xdg(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "parley"


def _bootstrap(value: str | None) -> str | None:
    if value is None:
        return None
    for server in value.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{server.strip()!r} is not host:port")
    return value


def _postgres(value: str | None) -> str | None:
    if value is not None and not value.startswith(("postgresql://", "postgres://")):
        raise ValueError("it must begin with postgresql://")
    return value


def _http(value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return value.rstrip("/") if value else value


def _keys(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        parse_keys(value.get_secret_value())  # raises ConfigurationError, which says what is wrong
    return value


HttpUrl = Annotated[str, AfterValidator(_http)]


class Settings(BaseSettings):
    """All settings; the field's description is what the README prints, its example what errors show."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        populate_by_name=True,
    )

    # the servers
    kafka_bootstrap_servers: Annotated[str | None, AfterValidator(_bootstrap)] = Field(
        None,
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS"),
        description="Kafka brokers to use; without it the embedded broker is started",
        examples=["broker-1:9092,broker-2:9092"],
    )
    database_url: Annotated[str | None, AfterValidator(_postgres)] = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL"),
        repr=False,  # holds a password
        description="Postgres to use; without it the embedded one is started",
        examples=["postgresql://parley:secret@db:5432/parley"],
    )
    state_dir: Path = Field(
        default_factory=lambda: _xdg("XDG_STATE_HOME", ".local/state"),
        description="Where the embedded servers keep their data, and Parley its generated key",
        examples=["/var/lib/parley"],
    )
    cache_dir: Path = Field(
        default_factory=lambda: _xdg("XDG_CACHE_HOME", ".cache"),
        description="Where downloads are kept (the embedded Kafka's jars)",
        examples=["/var/cache/parley"],
    )
    kafka_jars_dir: Path | None = Field(
        None,
        description="A folder already filled with the embedded Kafka's jars, for machines without network",
        examples=["/opt/kafka-jars"],
    )
    topic_partitions: int = Field(
        8, ge=1, le=1024, description="Partitions of topics that Parley creates", examples=["8"]
    )
    topic_replication_factor: int = Field(
        1, ge=1, le=9, description="Replicas of topics that Parley creates", examples=["3"]
    )

    # identity and secrets
    tenant: str = Field("default", min_length=1, description="Tenant whose accounts this deployment serves")
    encryption_keys: Annotated[SecretStr | None, AfterValidator(_keys)] = Field(
        None,
        description="Keys for tokens and dead letters, newest first, as id:base64 of 32 bytes, "
        "comma-separated; without it one is generated in the state folder",
        examples=["2026a:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="],
    )

    # workers
    instance_id: str | None = Field(
        None, description="Static consumer-group membership for `parley worker`", examples=["enrich-1"]
    )
    session_timeout: float = Field(
        10,
        ge=6,
        le=300,
        description="Seconds until Kafka gives a dead worker's partitions away",
        examples=["10"],
    )
    drain_seconds: float = Field(
        20,
        ge=1,
        le=300,
        description="Seconds a worker may take to finish its batch on SIGTERM",
        examples=["20"],
    )
    batch_size: int = Field(
        256, ge=1, le=4096, description="Most records a stage takes at once", examples=["256"]
    )
    batch_within: float = Field(
        0.05, ge=0, le=10, description="Seconds a stage waits to fill a batch", examples=["0.05"]
    )
    dead_letter_limit: int = Field(
        100,
        ge=1,
        description="Dead letters in a row after which a stage stops: the fault is then the deploy",
        examples=["100"],
    )
    dead_letter_ratio: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of dead letters among the latest thousand records after which a stage stops",
        examples=["0.5"],
    )
    sweep_after: float = Field(
        900,
        ge=1,
        description="Seconds after which a comment that no stage has settled is fed in again",
        examples=["900"],
    )
    sweep_times: int = Field(
        3, ge=0, description="Times a comment is fed in again before it counts as stuck", examples=["3"]
    )
    sweep_max_age: float = Field(
        259_200,
        gt=0,
        description="Seconds since it was received after which a comment is not fed in again by itself",
        examples=["259200"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged")
    log_format: Literal["console", "json"] = Field("json", description="Form of log lines on standard error")
    metrics_port: int = Field(
        9400,
        ge=0,
        le=65000,
        description="First port of /metrics and /health, one a process; 0: off",
        examples=["9400"],
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address of /metrics and /health", examples=["192.0.2.7"]
    )
    otlp_endpoint: HttpUrl | None = Field(
        None,
        description="Where traces are sent (OTLP over HTTP); off without it",
        examples=["http://otel:4318"],
    )

    # models
    model_dir: Path | None = Field(
        None,
        description="Another model than the shipped one: its folder, its name, or NAME@HASH",
        examples=["/opt/parley/models/mine"],
    )
    shadow_model_dir: Path | None = Field(
        None,
        description="A second model, named likewise, whose answers are stored beside the first's and change "
        "nothing else",
        examples=["twitter-roberta@6cf7b452"],
    )
    model_threads: int | None = Field(
        None, ge=1, le=256, description="Threads of the model; all cores without it", examples=["2"]
    )

    # HTTP and platforms
    http_host: str = Field(
        "127.0.0.1", description="Address that `parley serve` listens on", examples=["192.0.2.7"]
    )
    http_port: int = Field(
        8080, ge=0, le=65535, description="Port that `parley serve` listens on", examples=["8080"]
    )
    http_proxy: HttpUrl | None = Field(
        None,
        description="HTTP proxy of calls to the platforms",
        examples=["http://proxy:3128"],
        repr=False,  # may hold a password
    )
    poll_interval: float = Field(
        300, gt=0, description="Seconds between two polls of an account", examples=["300"]
    )
    poll_horizon: float = Field(
        86_400,
        gt=0,
        description="Seconds that a poll looks back; after an outage that was longer, to the last good poll",
        examples=["86400"],
    )
    backfill_days: float = Field(
        7, ge=0, description="Days of comments fetched when an account is connected", examples=["7"]
    )
    backfill_while_lag: int = Field(
        500,
        ge=1,
        description="Backfilled comments are fed in while fewer records than this wait to be enriched",
        examples=["500"],
    )
    webhook_url: HttpUrl | None = Field(
        None,
        description="Public address of parley serve; X and LinkedIn are told it when an account is connected",
        examples=["https://parley.example.com"],
    )
    webhook_body_timeout: float = Field(
        30, gt=0, description="Seconds a webhook's body may take to arrive; then it gets 408", examples=["30"]
    )
    webhook_body_limit: int = Field(
        8_388_608,
        ge=1024,
        description="Largest webhook body in bytes; larger ones get 413",
        examples=["8388608"],
    )
    facebook_graph_url: HttpUrl = Field(
        "https://graph.facebook.com", description="Graph API host", examples=["http://127.0.0.1:9001"]
    )
    facebook_graph_version: str = Field(
        "v26.0", pattern=r"^v\d+\.\d+$", description="Graph API version", examples=["v26.0"]
    )
    facebook_login_url: HttpUrl = Field(
        "https://www.facebook.com",
        description="Host of the page on which a person consents (Facebook, Instagram)",
        examples=["http://127.0.0.1:9001"],
    )
    facebook_app_id: str | None = Field(
        None,
        description="Facebook app, for logins and for asking what a token may",
        examples=["184719283746"],
    )
    facebook_app_secret: SecretStr | None = Field(
        None, description="Signs Facebook's webhooks and our calls; without it webhooks are refused"
    )
    facebook_verify_token: SecretStr | None = Field(
        None, description="The word agreed with Facebook for the webhook handshake"
    )
    instagram_login: Literal["facebook", "instagram"] = Field(
        "facebook",
        description="How Instagram accounts are reached: facebook (their page, Facebook's app), or instagram",
        examples=["instagram"],
    )
    instagram_graph_url: HttpUrl | None = Field(
        None,
        description="Graph API host for Instagram; by default the one that belongs to the login",
        examples=["http://127.0.0.1:9002"],
    )
    instagram_login_url: HttpUrl | None = Field(
        None,
        description="Host of Instagram's page of consent; by default the one that belongs to the login",
        examples=["http://127.0.0.1:9002"],
    )
    instagram_token_url: HttpUrl = Field(
        "https://api.instagram.com",
        description="Host that turns Instagram Login's codes into tokens",
        examples=["http://127.0.0.1:9002"],
    )
    instagram_app_id: str | None = Field(
        None, description="Instagram app, for Instagram Login", examples=["990602627938098"]
    )
    instagram_app_secret: SecretStr | None = Field(None, description="Instagram app's secret")
    instagram_signed_by: Literal["facebook", "instagram"] | None = Field(
        None,
        description="Whose app secret signs Instagram's webhooks; by default the login's",
        examples=["facebook"],
    )
    instagram_verify_token: SecretStr | None = Field(
        None, description="The word agreed with Meta for Instagram's webhook handshake"
    )
    linkedin_api_url: HttpUrl = Field(
        "https://api.linkedin.com", description="LinkedIn's API host", examples=["http://127.0.0.1:9004"]
    )
    linkedin_oauth_url: HttpUrl = Field(
        "https://www.linkedin.com", description="LinkedIn's login host", examples=["http://127.0.0.1:9004"]
    )
    linkedin_version: str = Field(
        "202609",
        pattern=r"^20\d{4}$",
        description="LinkedIn API version; each ends a year or more after its month",
        examples=["202609"],
    )
    linkedin_client_id: str | None = Field(
        None, description="LinkedIn app, for logins and for asking how long a token lasts", examples=["86abc"]
    )
    linkedin_application_id: str | None = Field(
        None,
        pattern=r"^[0-9]{1,24}$",
        description="The LinkedIn app's number (in the address of its settings), to subscribe to webhooks",
        examples=["12345678"],
    )
    linkedin_client_secret: SecretStr | None = Field(
        None, description="Signs LinkedIn's webhooks and logins; without it webhooks are refused"
    )
    linkedin_reply_limit: int = Field(
        1250,
        ge=1,
        le=10_000,
        description="Most characters of a LinkedIn reply (LinkedIn's own pages name none)",
        examples=["3000"],
    )
    linkedin_escape_replies: bool = Field(
        False,
        description="Escapes little-text characters in LinkedIn replies; on if replies arrive cut short",
        examples=["true"],
    )

    x_api_url: HttpUrl = Field(
        "https://api.x.com", description="X's API host", examples=["http://127.0.0.1:9003"]
    )
    x_login_url: HttpUrl = Field(
        "https://x.com/i/oauth2/authorize",
        description="X's page on which a person consents",
        examples=["http://127.0.0.1:9003/i/oauth2/authorize"],
    )
    x_field_names: Literal["tweet", "post"] = Field(
        "tweet",
        description="Names that X is asked by: tweet, or post (its OpenAPI 2.167); answers may use either",
        examples=["tweet"],
    )
    x_consumer_secret: SecretStr | None = Field(
        None, description="Signs X's webhooks and their challenge; without it webhooks are refused"
    )
    x_client_id: str | None = Field(
        None, description="OAuth 2.0 client id of the X app", examples=["bm90LWEtY2xpZW50OjE6Y2k"]
    )
    x_client_secret: SecretStr | None = Field(
        None, description="OAuth 2.0 client secret, where the X app is a confidential client"
    )
    x_bearer_token: SecretStr | None = Field(
        None, description="The X app's own token; with it webhooks are subscribed, and missing ones found"
    )

    # drafting
    language_model_url: HttpUrl | None = Field(
        None,
        description="Base URL of an OpenAI-compatible endpoint; OpenAI's own where only a key is set, "
        "and templates alone draft where neither is",
        examples=["http://127.0.0.1:8000/v1"],
    )
    language_model_key: SecretStr | None = Field(None, description="Key of the language model's endpoint")
    language_model_name: str = Field(
        "gpt-5.4-mini", min_length=1, description="Model that drafts", examples=["gpt-5.4-mini"]
    )
    language_model_temperature: Annotated[float, Field(ge=0, le=2)] | Literal["default"] = Field(
        0.7,
        description="Temperature of drafts; `default` sends none, for models that refuse it",
        examples=["0.7"],
    )
    language_model_max_tokens: int = Field(
        150,
        ge=16,
        le=100_000,
        description="Most tokens of an answer; models that think need more",
        examples=["150"],
    )
    language_model_timeout: float = Field(
        10,
        gt=0,
        le=120,
        description="Seconds until a call to the language model is given up",
        examples=["10"],
    )
    language_model_time_limit: float = Field(
        20,
        gt=0,
        le=300,
        description="Seconds for a draft with all its calls; then the template is taken",
        examples=["20"],
    )
    language_model_concurrency: int = Field(
        256, ge=1, le=4096, description="Calls to the language model under way at once", examples=["256"]
    )
    language_model_tokens_per_minute: int = Field(
        10_000_000,
        ge=1000,
        description="Tokens a worker asks the language model for a minute, answers included",
        examples=["10000000"],
    )
    language_model_monthly_tokens: int = Field(
        100_000_000,
        ge=0,
        description="Tokens an account may use in a calendar month; then templates draft",
        examples=["100000000"],
    )
    language_model_examples: int = Field(
        3,
        ge=0,
        le=10,
        description="Approved replies to similar comments in a prompt, at most",
        examples=["3"],
    )

    # posting
    posting_timeout: float = Field(
        15, gt=0, le=120, description="Seconds until a call to a platform is given up", examples=["15"]
    )
    posting_concurrency: int = Field(
        8, ge=1, le=256, description="Replies of one account under way at once", examples=["8"]
    )
    posting_settle_after: float = Field(
        120,  # a write may take effect 30 s after its caller gave up, and show 60 s later
        ge=0,
        description="Seconds over which an uncertain reply must stay absent to count as not sent",
        examples=["120"],
    )
    posting_block_cooldown: float = Field(
        6 * 3600,
        gt=0,
        description="Seconds an account stops when its platform blocks it; each further block doubles them",
        examples=["21600"],
    )
    staff_grace: float = Field(
        30,
        ge=0,
        description="Seconds until an unknown reply of the account is taken for its staff's",
        examples=["30"],
    )
    replies_per_minute: float = Field(
        30,
        gt=0,
        description="Budget of a new account; each account has its own in social_accounts",
        examples=["30"],
    )

    # people
    review_deadline: float = Field(
        14_400,
        gt=0,
        description="Seconds until what waits for a moderator is handed to a supervisor",
        examples=["14400"],
    )
    supervisor_deadline: float = Field(
        3600, gt=0, description="Seconds a supervisor has; then a notice says so", examples=["3600"]
    )
    notify_webhook_url: HttpUrl | None = Field(
        None,
        description="Where notices (escalations, deadlines, stopped accounts) are posted; off without it",
        examples=["https://hooks.example.com/parley"],
    )
    notify_webhook_secret: SecretStr | None = Field(
        None, description="Signs these posts (X-Parley-Signature); needed with the URL"
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail server for notices: smtp://, smtp+starttls:// or smtps://user:password@host:port",
    )
    notify_mail_from: str = Field(
        "parley@localhost", description="Sender of mailed notices", examples=["parley@example.com"]
    )
    notify_mail_to: str = Field(
        "",
        description="Who gets mailed notices, comma-separated; off without it",
        examples=["team@example.com"],
    )


def variable(field: str) -> str:
    """The environment variable of a field."""
    name = field.upper()
    return name if name in UNPREFIXED else PREFIX + name


VARIABLES: Final = {variable(field): field for field in Settings.model_fields}


def load(**overrides: Any) -> Settings:
    """Settings from the environment; `overrides` (by field name) win over it.

    Raises ConfigurationError that lists every problem with its variable, and an example.
    """
    problems = []
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in VARIABLES:
            near = difflib.get_close_matches(name, VARIABLES, 1, 0.75)
            problems.append(f"{name}: no such setting" + (f"; did you mean {near[0]}?" if near else ""))
    settings = None
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        problems += [_problem(item) for item in error.errors()]
    if problems or settings is None:
        raise ConfigurationError(
            "The settings are wrong, nothing was started:\n  "
            + "\n  ".join(problems)
            + "\nAll settings: `parley settings`, or the table in the README."
        )
    return settings


def _problem(item: ErrorDetails) -> str:
    field = str(item["loc"][0]).lower()
    info = Settings.model_fields.get(field)
    if info is None:
        return f"{field}: no such setting"
    secret = "SecretStr" in str(info.annotation) or not info.repr
    shown = re.sub(r"//[^/@\s]*@", "//***@", str(item["input"])[:80])
    given = "" if secret else f" (given: {shown!r})"
    example = f"; for example {variable(field)}={info.examples[0]}" if info.examples else ""
    return f"{variable(field)}: {item['msg'].removeprefix('Value error, ')}{given}{example}"

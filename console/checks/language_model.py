"""The language model: set up, reachable, accepting the key and knowing the model; and how its drafts fare."""

from datetime import timedelta
from typing import Final

import httpx

from console.checks.finding import Finding, ok, problem, warning
from infra.postgres import Pool
from infra.settings import Settings

_OPENAI: Final = "https://api.openai.com/v1"
_TIMEOUT: Final = 8.0
_LATELY: Final = timedelta(hours=1)


async def check_language_model(settings: Settings) -> list[Finding]:
    """Asks the endpoint which models it has; that costs nothing, and needs address, key and name."""
    key, name = settings.language_model_key, "language model"
    if settings.language_model_url is None and key is None:
        return [ok(name, "none is set up: templates draft")]
    url = str(settings.language_model_url or _OPENAI).rstrip("/")
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as http:
            answer = await http.get(f"{url}/models", headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"{url} does not answer ({type(error).__name__}): templates draft until it does"
        return [problem(name, said, "start it, or correct PARLEY_LANGUAGE_MODEL_URL")]
    if answer.status_code in (401, 403):
        said = f"{url} refuses the key (HTTP {answer.status_code}): templates draft"
        return [problem(name, said, "correct PARLEY_LANGUAGE_MODEL_KEY")]
    if answer.status_code >= 500:
        said = f"{url} fails now (HTTP {answer.status_code}): templates draft until it does not"
        return [warning(name, said, "look again soon; see the endpoint's own status")]
    if answer.status_code != 200:
        # Not every compatible endpoint lists its models; that it answers is all that is known then.
        said = f"{url} answers; it lists no models (HTTP {answer.status_code}), so the name stays unchecked"
        return [ok(name, said)]
    wanted = settings.language_model_name
    models = _names(answer)
    if models and wanted not in models:
        said = f"{url} does not list the model {wanted}; it has {', '.join(sorted(models)[:5])}"
        return [warning(name, said, "correct PARLEY_LANGUAGE_MODEL_NAME")]
    return [ok(name, f"{url} answers, drafts are asked of {wanted}")]


def _names(answer: httpx.Response) -> set[str]:
    try:
        return {str(each["id"]) for each in answer.json()["data"]}
    except (ValueError, KeyError, TypeError):
        return set()


async def check_drafts(pool: Pool, settings: Settings) -> list[Finding]:
    """Whether a language model that is set up writes what it should: a stopped one leaves it to templates."""
    if settings.language_model_url is None and settings.language_model_key is None:
        return []
    row = await pool.fetchrow(
        "select count(*) filter (where origin = 'language_model') as written, count(why) as instead, "
        "max(why) as why from generated_responses left join lateral (select r as why from unnest(reasons) r "
        "where r like 'template instead of the language model:%' limit 1) w on true "
        "where tenant_id = $1 and created_at > clock_timestamp() - $2::interval",
        settings.tenant,
        _LATELY,
    )
    assert row is not None  # noqa: S101  aggregates give a row
    said = f"in an hour the language model wrote {row['written']}, templates {row['instead']} in its place"
    if row["instead"] > row["written"]:
        todo = "see parley_language_model_stopped and the logs of the worker that drafts: quota, key or name"
        return [warning("drafts", f"{said} ({row['why']})", todo)]
    return [ok("drafts", said)]

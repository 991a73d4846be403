"""The one catalogue of Prometheus metrics: names, labels and buckets, defined here and nowhere else.

Names begin with `parley_`; times are in seconds. `stage` is the stage's name, `topic` a Kafka topic,
`partition` its number. Labels are never ids, texts or anything else without a bound.
`exposition()` gives the text of a `/metrics` answer.
"""

from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets for one piece of work, from a millisecond to half a minute."""

SLOW: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
"""Buckets for how long a record has been under way, up to a day."""

SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

# --- records through a stage (streams/) ---
RECORDS: Final = Counter("parley_records", "Records a stage finished.", ["stage", "topic"])
RECORDS_OUT: Final = Counter(
    "parley_records_out",
    "Records a stage produced, counted after the broker acknowledged.",
    ["stage", "topic"],
)
OUTCOMES: Final = Counter(
    "parley_outcomes", "Records a stage finished, by the outcome it named.", ["stage", "outcome"]
)
DEAD_LETTERS: Final = Counter(
    "parley_dead_letters", "Records a stage sent to the dead letters, by reason.", ["stage", "reason"]
)
RETRIES: Final = Counter("parley_retries", "Calls repeated after a transient error.", ["stage", "error"])
DROPPED: Final = Counter(
    "parley_records_given_up",
    "Records read but left to the next owner because of a rebalance or a shutdown; nothing is lost by it.",
    ["stage"],
)
BATCH_SIZE: Final = Histogram("parley_batch_records", "Records in a batch.", ["stage"], buckets=SIZES)
BATCH_SECONDS: Final = Histogram(
    "parley_batch_seconds", "From taking a batch to its commit.", ["stage"], buckets=FAST
)
RECORD_SECONDS: Final = Histogram(
    "parley_record_seconds", "Work on one record of a window.", ["stage"], buckets=FAST
)
RECORD_AGE: Final = Histogram(
    "parley_record_age_seconds",
    "From a record's timestamp in Kafka to its acknowledgement by a stage.",
    ["stage"],
    buckets=SLOW,
)
IN_FLIGHT: Final = Gauge("parley_records_in_flight", "Records taken up and not yet acknowledged.", ["stage"])
DEGRADED: Final = Gauge(
    "parley_stage_degraded", "1 while a stage holds its partitions because of transient errors.", ["stage"]
)
COMMITS: Final = Counter("parley_commits", "Offset commits, by how they ended.", ["stage", "result"])
REBALANCES: Final = Counter("parley_rebalances", "Times a stage's partitions were assigned.", ["stage"])
PARTITIONS: Final = Gauge("parley_partitions_assigned", "Partitions a stage owns now.", ["stage"])
LAG: Final = Gauge(
    "parley_lag_records",
    "Records of a partition the stage has not finished, against the broker's end offset.",
    ["stage", "topic", "partition"],
)
END_TO_END: Final = Histogram(
    "parley_end_to_end_seconds",
    "From when Parley first saw a comment to the end of a stage's work on it (`reply`: to its reply on the "
    "platform); replays are left out.",
    ["stage"],
    buckets=SLOW,
)

# --- posting (sinks/); gauges are of the whole tenant, whichever poster shows them ---
POSTING_OUTCOMES: Final = Counter(
    "parley_posting_outcomes", "What became of attempts to post.", ["platform", "outcome"]
)
POSTING_RECONCILED: Final = Counter(
    "parley_posting_reconciled",
    "Replies in doubt that were settled: found or seen on the platform, sent once more, or a person's.",
    ["platform", "how"],
)
POSTING_STOPS: Final = Counter(
    "parley_posting_stops",
    "Times an account stopped because of its platform; `blocked` is an alert.",
    ["platform", "status"],
)
POSTING_LEASES: Final = Gauge("parley_posting_leases", "Accounts that this poster drains now.")
REPLY_QUEUE: Final = Gauge(
    "parley_reply_queue", "Replies that wait, are being posted, or are in doubt.", ["platform", "state"]
)
REPLY_QUEUE_AGE: Final = Gauge(
    "parley_reply_queue_age_seconds",
    "How long the oldest of them has been in the queue.",
    ["platform", "state"],
)
BUDGET: Final = Gauge(
    "parley_reply_budget_per_minute",
    "Replies a minute that the accounts may send now; what is used of it is the rate of "
    "parley_posting_outcomes.",
    ["platform"],
)

# --- the sweeper, which also looks at all groups (sinks/sweeper.py) ---
BACKLOG_SHARE: Final = Gauge(
    "parley_oldest_unfinished_retention_share",
    "Age of a group's oldest unfinished record as a share of its topic's retention; above 0.5 is an alert, "
    "at 1 records are deleted unread.",
    ["group", "topic"],
)
SWEPT: Final = Counter(
    "parley_comments_swept", "Comments fed in again, by the state they had stayed in.", ["state"]
)

ACTIONS: Final = Counter(
    "parley_platform_actions",
    "Replies taken back, comments hidden and shown, by how each try ended.",
    ["platform", "kind", "state"],
)
NOTICES: Final = Counter(
    "parley_notices",
    "Notices sent to people outside, by channel and whether it worked.",
    ["channel", "result"],
)

# --- drafting (streams/writing.py) ---
DRAFTS: Final = Counter(
    "parley_drafts",
    "Drafts, by who wrote them and why it was not the language model, if so.",
    ["origin", "why"],
)
LANGUAGE_MODEL_CALLS: Final = Counter(
    "parley_language_model_calls", "Calls to the language model, by how they ended.", ["result"]
)
LANGUAGE_MODEL_SECONDS: Final = Histogram(
    "parley_language_model_seconds", "Duration of a call to the language model.", buckets=FAST
)
LANGUAGE_MODEL_TOKENS: Final = Counter(
    "parley_language_model_tokens", "Tokens the language model counted.", ["kind"]
)
LANGUAGE_MODEL_OPEN: Final = Gauge(
    "parley_language_model_breaker_open", "1 while no calls are made because most failed."
)
LANGUAGE_MODEL_STOPPED: Final = Gauge(
    "parley_language_model_stopped",
    "1 while nothing is drafted by the language model until a person acts (quota, key, name): an alert.",
)
CONTEXT_MISSED: Final = Counter(
    "parley_draft_context_missed", "Drafts written without their surroundings because Postgres was away."
)

# --- configuration (streams/config.py) ---
WEBHOOKS: Final = Counter(
    "parley_webhooks", "What became of webhook deliveries and of what was in them.", ["platform", "what"]
)
POLLS: Final = Counter(
    "parley_polls", "Polls, and what they published that webhooks had not brought.", ["platform", "what"]
)
ACCOUNT_PROBLEMS: Final = Gauge(
    "parley_account_problems",
    "Accounts whose access is not as it must be, by problem; above 0 is an alert.",
    ["platform", "problem"],
)
CONFIG_CHANGES: Final = Counter("parley_config_changes", "Changes read from config.changes.", ["kind"])
CONFIG_ENTRIES: Final = Gauge(
    "parley_config_entries", "Entries of the configuration a worker holds.", ["kind"]
)
CONFIG_UNREADABLE: Final = Counter(
    "parley_config_unreadable",
    "Changes of configuration that could not be read; what they should replace stays.",
)


def exposition() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)

"""The Faust subclasses: where Faust loses, repeats or stalls is overridden here and in `streams.consumer`.

Faust keeps the connection, the consumer thread, the group membership, the rebalance sequence and the stream.
What it does badly, and is replaced:

- *Offsets.* Faust commits what its acknowledgement lists suggest, which may lie behind unfinished work
  (events of an old generation are acknowledged, gaps at the head are missed). `Consumer` commits positions
  that the runner sets in delivered order (`finish`), and nothing else.
- *Revocation.* Faust drops its state before it commits. `Consumer` first lets the owner finish or give up
  what is in flight (`Owner.quiesce`), then commits within a limit, then goes on.
- *Seeking.* After a rebalance a partition without a committed offset stays where reading stood, behind what
  was read and dropped meanwhile. Ours goes back to its beginning.
- *Draining.* `wait_empty` has no limit and cannot be cancelled. Ours waits for the owner, within a limit,
  and a timer in a thread of its own ends the process if even that hangs.
- *Reading.* `_drain_messages` makes two tasks a record and silently drops records of a topic that was deleted
  and created again. Ours does neither.
- *Producing.* Idempotence and `acks=all` are forced.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import faust
from faust.sensors import Monitor
from faust.transport.drivers import aiokafka as driver

from streams.consumer import Consumer, Owner


class Producer(driver.Producer):
    """Idempotent, acknowledged by all replicas."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """Makes our consumers and producers."""

    Consumer: ClassVar[type[Any]] = Consumer
    Producer: ClassVar[type[Any]] = Producer


class _Quiet(Monitor):
    """Faust's monitor without its work on every record; `infra.metrics` counts instead."""

    def on_message_in(self, *args: Any) -> None: ...
    def on_stream_event_in(self, *args: Any) -> None: ...
    def on_stream_event_out(self, *args: Any) -> None: ...
    def on_message_out(self, *args: Any) -> None: ...
    def track_tp_end_offset(self, *args: Any) -> None: ...
    def on_tp_commit(self, *args: Any) -> None: ...


class App(faust.App):
    """One Faust app for one stage: a group id belongs to an app."""

    owner: Owner

    def _create_directories(self) -> None:
        """Nothing: without tables Faust has nothing to keep on disk."""

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return Transport(self.conf.broker_producer, self)


def new_app(
    *,
    group: str,
    bootstrap_servers: str,
    instance_id: str | None,
    session_timeout: float,
    rebalance_timeout: float,
    buffer: int,
    poll_records: int,
    owner: Owner,
) -> App:
    """A configured app that has not connected yet; must be called inside the event loop it will run in."""
    app = App(
        group,
        broker=[f"kafka://{server.strip()}" for server in bootstrap_servers.split(",")],
        store="memory://",
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        processing_guarantee="at_least_once",
        stream_wait_empty=True,
        stream_buffer_maxsize=buffer,
        stream_recovery_delay=0.0,
        broker_max_poll_records=poll_records,
        broker_session_timeout=session_timeout,
        broker_heartbeat_interval=min(1.0, session_timeout / 3),
        broker_rebalance_timeout=rebalance_timeout,
        broker_request_timeout=max(40.0, session_timeout + 5),
        broker_max_poll_interval=7 * 86400.0,  # a stage may hold its partitions for as long as it must
        broker_commit_interval=86400.0,  # every batch commits; Faust's timer would only get in between
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{group}-{instance_id}" if instance_id else None,
        consumer_metadata_max_age_ms=10_000,
        producer_linger=0.005,
        producer_request_timeout=30.0,
        producer_max_request_size=4 << 20,
    )
    app.owner = owner
    app.monitor = _Quiet()
    return app

"""The benchmark of the codec reads what the codec writes, whatever the newest schema is."""

from console.bench import codec


def test_it_measures_events_of_the_newest_schema() -> None:
    assert min(codec.measure().values()) > 0

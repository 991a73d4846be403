"""Stages on Kafka: the runner, the Faust subclasses below it, the stages themselves."""

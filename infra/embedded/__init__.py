"""Apache Kafka and PostgreSQL, real ones, started and stopped with the command that needs them."""

"""What Parley stands on: settings, logs, Kafka, Postgres, encryption, the embedded stack."""

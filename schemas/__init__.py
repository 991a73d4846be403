"""The contract every room shares: events and their Avro schemas, topics, states, identity, errors."""

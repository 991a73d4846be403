"""Any endpoint that speaks OpenAI's chat completions: the client, what its failures mean, a simulator."""

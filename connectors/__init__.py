"""One folder a platform, the webhook receiver, and the contract that every platform folder fulfils."""

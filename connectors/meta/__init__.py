"""What Facebook pages and Instagram share: Graph calls, their errors and limits, and the webhook's form."""

"""The safety net below the webhooks: every account's activity, compared with what is stored.

comparing.py  pure: what a poll saw and what is stored -> what is news
round.py      one look at one account: list, compare, publish, read what is absent
news.py       publishes what was found, once
known.py      Postgres: what is stored, to compare with
posts.py      posts that comments named
store.py      Postgres: leases, how far each account is polled, its marks
access.py     an account's client: its token opened, and refreshed before it ends
poller.py     the process: which account is due, what becomes of failures
turns.py      pure: whose turn it is when the past is fed in
feeder.py     feeds what lies in the past in below the live comments
"""

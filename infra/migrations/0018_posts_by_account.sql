-- Whether the account wrote the post itself: a draft may repeat what the brand said, not what a stranger did.
-- Null where nobody told; the next poll tells it of the posts that it lists.
alter table posts add column by_account boolean;

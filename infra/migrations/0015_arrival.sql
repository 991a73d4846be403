-- By which ways an account's comments come to us; see schemas.events.Arrival.
alter table social_accounts
    add column arrival text not null default 'webhook+polling'
        check (arrival in ('webhook+polling', 'polling', 'webhook'));

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from replies.account import AccountView, Mode
from replies.book import TemplateBook
from replies.desk import Desk
from replies.policy import Policy
from replies.shipped import default_policy
from replies.templates import Template
from replies.what_if import EXAMPLES, Handling, Past, Tally, judge
from schemas import identity
from schemas.events import Analysis, CommentEvent, CommentKind, Draft, DraftOrigin, Platform, Source, utc_now
from schemas.labels import Intent, Sentiment
from schemas.states import Action

NOW = utc_now()
ACCOUNT = AccountView(platform=Platform.FACEBOOK, account_id="1", mode=Mode.AUTO, brand_name="Acme")
NO_TEMPLATES = Desk(policy=default_policy(), book=TemplateBook(), accounts={ACCOUNT.key: ACCOUNT})


def past(
    number: int, action: Action, handling: Handling | None = None, *, text: str = "great coffee"
) -> Past:
    comment_id = identity.comment_id(Platform.FACEBOOK, "1", str(number))
    revision = identity.revision_id(comment_id, text, [])
    return Past(
        comment=CommentEvent(
            kind=CommentKind.ADDED,
            tenant_id="default",
            platform=Platform.FACEBOOK,
            account_id="1",
            comment_id=comment_id,
            platform_comment_id=str(number),
            revision_id=revision,
            text=text,
            occurred_at=NOW,
            observed_at=NOW,
            source=Source.WEBHOOK,
        ),
        analysis=Analysis(
            model="m",
            model_hash="h",
            sentiment=Sentiment.POSITIVE,
            sentiment_scores={"negative": 0.02, "neutral": 0.08, "positive": 0.9},
            intent=Intent.COMPLIMENT,
            intent_scores={"compliment": 0.95},
            language="en",
            language_confidence=0.99,
            unknown_share=0.0,
        ),
        draft=Draft(
            draft_id=identity.draft_id(revision, "Thank you!", DraftOrigin.TEMPLATE),
            revision_id=revision,
            text="Thank you!",
            origin=DraftOrigin.TEMPLATE,
            language="en",
            confidence=0.9,
        ),
        allowed="Thank you!",
        action=action,
        rule="then",
        decided_at=NOW,
        handling=handling,
    )


ACTIONS = [Action.AUTO_APPROVE, Action.REVIEW, Action.ESCALATE, Action.NO_REPLY]
cases = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.sampled_from(ACTIONS), st.sampled_from([None, *Handling])),
    max_size=40,
)


def tallied(found: list[tuple[int, tuple[Action, Action, Handling | None]]]) -> Tally:
    tally = Tally()
    for number, (before, after, handling) in found:
        tally.add(past(number, before, handling), after, f"rule_{after}")
    return tally


@given(cases, st.integers(1, 5))
def test_parts_add_up_to_the_whole_in_any_order(
    found: list[tuple[Action, Action, Handling | None]], parts: int
) -> None:
    numbered = list(enumerate(found))
    whole = tallied(numbered)
    merged = Tally()
    for part in reversed(range(parts)):
        merged.merge(tallied(numbered[part::parts]))
    assert merged.report() == whole.report()


@given(cases)
def test_the_figures_are_what_counting_by_hand_gives(
    found: list[tuple[Action, Action, Handling | None]],
) -> None:
    report = tallied(list(enumerate(found))).report()
    went = sum(before.sends for before, _, _ in found)
    would = sum(after.sends for _, after, _ in found)
    more = [handling for before, after, handling in found if after.sends and not before.sends]
    assert report["considered"] == len(found)
    assert report["changed"] == sum(before is not after for before, after, _ in found)
    assert (report["by_itself"]["before"], report["by_itself"]["after"]) == (went, would)
    assert report["by_itself"]["more"] == len(more)
    assert went + report["by_itself"]["more"] - report["by_itself"]["fewer"] == would
    had = report["of_the_newly_sent_people_had"]
    assert had["rejected"] == more.count(Handling.REJECTED)
    assert had["edited"] == more.count(Handling.EDITED)
    assert sum(had.values()) == len(more)
    assert all(
        sum(
            example["before"] == move["before"] and example["after"] == move["after"]
            for example in report["examples"]
        )
        == (min(EXAMPLES, move["count"]) if move["before"] != move["after"] else 0)
        for move in report["moves"]
    )


def test_the_shipped_policy_is_judged_as_it_decides() -> None:
    action, rule = judge(default_policy(), past(1, Action.REVIEW), ACCOUNT, NO_TEMPLATES)
    assert (action, rule) == (Action.AUTO_APPROVE, "positive_and_neutral")


def test_an_account_that_is_gone_leaves_everything_to_people() -> None:
    assert judge(default_policy(), past(1, Action.AUTO_APPROVE), None, NO_TEMPLATES)[0] is Action.REVIEW


def test_the_floor_holds_under_any_policy() -> None:
    document = default_policy().document.model_dump(mode="json", exclude_unset=True)
    document["max_age"] = {platform.value: "3d" for platform in Platform}
    document["triage"] = []
    document["decide"] = [
        {
            "rule": "everything",
            "when": {
                "intent": [intent.value for intent in Intent],
                "sentiment": [s.value for s in Sentiment],
            },
            "then": "auto_approve",
            "reason": "all",
        }
    ]
    reckless = Policy.from_data(document)
    risky = past(1, Action.ESCALATE, text="I will sue you, my lawyer writes tomorrow")
    assert judge(reckless, risky, ACCOUNT, NO_TEMPLATES)[0] is Action.ESCALATE


def test_a_comment_that_had_no_draft_is_drafted_by_todays_templates_and_held_against_them() -> None:
    before = replace(past(1, Action.NO_REPLY), draft=None, allowed="")
    assert judge(default_policy(), before, ACCOUNT, NO_TEMPLATES) == (Action.REVIEW, "no_draft")
    template = Template(
        name="menu", language="en", intent=Intent.COMPLIMENT, content="Thanks! Menu: www.acme.example/menu"
    )
    desk = replace(NO_TEMPLATES, book=TemplateBook.of([template]))
    assert judge(default_policy(), before, ACCOUNT, desk) == (Action.AUTO_APPROVE, "positive_and_neutral")

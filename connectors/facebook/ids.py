"""Facebook's ids: a post is `<page>_<post>`, a comment `<post>_<comment>`, and both are met in other forms.

One comment must have one name, whether a webhook, a listing or the answer to a reply mentions it; the
forms met are `<post>_<comment>`, the bare `<comment>`, and `<page>_<comment>` (recorded once, in a reaction).
"""


def last_part(platform_id: str) -> str:
    """What stands behind the last underscore: equal for all forms of the same thing."""
    return platform_id.rpartition("_")[2]


def comment_name(comment_id: str, post_id: str | None, page_id: str) -> str:
    """The comment's id as `<post>_<comment>` where the post is known, else as it is."""
    first, _, last = comment_id.rpartition("_")
    if post_id is not None and first in ("", page_id):
        return f"{last_part(post_id)}_{last}"
    return comment_id


def sibling_name(comment_id: str, known: str) -> str:
    """A comment's id in the form of `known`, another comment's id below the same post."""
    post, _, _ = known.rpartition("_")
    return f"{post}_{comment_id}" if post and "_" not in comment_id else comment_id


def post_name(post_id: str, page_id: str) -> str:
    """The post's id as `<page>_<post>`."""
    return post_id if "_" in post_id else f"{page_id}_{post_id}"

"""What a reply's text may be.

2,200 characters are the limit of Instagram's own interface; Meta's reference names none. No more than four
hashtags and one URL are the rule of the retired API, whose spam filter is not known to have changed. Its
third rule, no text all in capitals, is not applied: "OK" would fall under it.
"""

import re
from typing import Final

REPLY_LIMIT: Final = 2200
MOST_HASHTAGS: Final = 4
MOST_URLS: Final = 1
_HASHTAG: Final = re.compile(r"(?<![\w&/])#\w")
_URL: Final = re.compile(r"\bhttps?://|\bwww\.", re.IGNORECASE)


def refusal_of(text: str) -> str | None:
    """Why Instagram would not take the text; None if it would."""
    if not text.strip() or len(text) > REPLY_LIMIT:
        return f"a reply has 1 to {REPLY_LIMIT} characters, not {len(text)}"
    hashtags = len(_HASHTAG.findall(text))
    if hashtags > MOST_HASHTAGS:
        return f"a reply has at most {MOST_HASHTAGS} hashtags, not {hashtags}"
    urls = len(_URL.findall(text.replace("://www.", "://")))
    if urls > MOST_URLS:
        return f"a reply has at most {MOST_URLS} URL, not {urls}"
    return None

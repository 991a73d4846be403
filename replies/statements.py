"""What a reply states and must not invent: amounts, dates, times, addresses. Each finder gives a set.

Written so that what a template states and what a draft states can be compared: lower case, without spaces.
Total and linear in the text.
"""

import re
from collections.abc import Callable
from typing import Final

from replies import wording

_MONEY: Final = re.compile(
    r"[$€£¥₹]\s{0,2}\d[\d.,]{0,12}"
    r"|\d[\d.,]{0,12}\s{0,2}(?:[$€£¥₹%]|(?:eur|euros?|usd|dollars?|dolares|pesos?|mxn|reais|brl|gbp|libras?"
    r"|pounds?|chf|francs?|franken|percent|prozent|por ciento|por cento|pour cent|per cento)\b)",
    re.IGNORECASE,
)
_MONTHS: Final = (
    r"jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar|brero|braio)?|fevereiro|fevrier|enero|gennaio|mar(?:ch|s|zo|co)|marz"
    r"|maerz|apr(?:il|ile)?|abril|avril|may|mayo|mai|maio|maggio|june?|juni|junio|junho|juin|giugno|july?|juli"
    r"|julio|julho|juillet|luglio|aug(?:ust)?|agosto|aout|sept?(?:ember|embre|iembre)?|setembro|settembre|oct(?:ober|ubre|obre)?"
    r"|oktober|outubro|ottobre|nov(?:ember|embre|iembre|embro)?|dec(?:ember|embre)?|dezember|dezembro|diciembre|dicembre"
)
_DATE: Final = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th|er|\.|o)? (?:of |de |di |der )?(?:{_MONTHS})\b"
    rf"|\b(?:{_MONTHS}) \d{{1,4}}(?:st|nd|rd|th)?\b"
    r"|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b|\b\d{1,2}[/]\d{1,2}\b|\b20\d\d\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"
    r"|\b(?:lunes|martes|miercoles|jueves|viernes|sabados?|domingos?)\b"
    r"|\b(?:segunda|terca|quarta|quinta|sexta)-feiras?\b|\b(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)s?\b"
    r"|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag)s?\b"
    r"|\b(?:lunedi|martedi|mercoledi|giovedi|venerdi|sabato|domenica)\b"
    r"|\b(?:tomorrow|demain|domani|amanha|ubermorgen|pasado manana|next (?:week|month)|proxima semana"
    r"|semaine prochaine|nachste woche|prossima settimana)\b"
)
"""In folded text; also words of the day after today, which a reply may not promise out of itself."""

_TIME: Final = re.compile(
    r"\b\d{1,2}\s?(?:[:h]\s?\d{2}\b|a\.?m\b|p\.?m\b|uhr\b|hs?\b|heures?\b|horas?\b|o'clock)"
    # "have a nice day" promises nothing, "within a day" does
    r"|\b(?:\d{1,3}|two|three|dos|tres|dois|duas|deux|trois|zwei|drei|due|tre"
    r"|(?:in|within|en|em|dans|entro|binnen|innerhalb(?: von)?|dentro de|menos de|moins d'|less than|meno di"
    r"|under|sous|sotto) (?:an?|one|una?|uma?|une?|ein(?:e[rmn]?)?))\s?"
    r"[-–]?\s?\d{0,3}\s?"
    r"(?:minutes?|hours?|(?:business |working )?days?|weeks?|months?|minutos?|horas?|dias?|semanas?"
    r"|mes(?:es)?|heures?|jours?|semaines?|mois|minuten?|stunden?|tage?n?|wochen?|monaten?|minuti|or[ae]|giorn[io]"
    r"|settiman[ae]|mes[ei])\b"
)
_NUMBER: Final = re.compile(r"(?<![\w#])\d[\d.,]+\d(?!\w)")
_MENTION: Final = re.compile(r"(?<![\w@])@[\w.]{2,100}")


def prices(text: str) -> frozenset[str]:
    """Amounts of money and percentages."""
    return frozenset("".join(match.lower().split()).rstrip(".,") for match in _MONEY.findall(text))


def dates(text: str) -> frozenset[str]:
    """Calendar dates, days of the week, years, and days told from today on."""
    return frozenset("".join(match.split()) for match in _DATE.findall(wording.fold(text)))


def times(text: str) -> frozenset[str]:
    """Times of day and lengths of time."""
    return frozenset("".join(match.split()) for match in _TIME.findall(wording.fold(text)))


def numbers(text: str) -> frozenset[str]:
    """Numbers of three digits and more."""
    return frozenset(_NUMBER.findall(text))


def mentions(text: str) -> frozenset[str]:
    """Accounts that are addressed with @."""
    return frozenset(match.lower().rstrip(".") for match in _MENTION.findall(text))


FINDERS: Final[tuple[tuple[str, str, Callable[[str], frozenset[str]]], ...]] = (
    ("e_mail", "an e-mail address", wording.emails),
    ("link", "a web address", wording.links),
    ("personal_data", "an address or the number of a document", wording.documents),
    ("date", "a date", dates),
    ("phone", "a telephone number", wording.phones),
    ("price", "a price", prices),
    ("time", "a time", times),
    ("mention", "another account", mentions),
    ("number", "a number", numbers),
)
"""Name of the failure, what was found, and what finds it: none of these may come from nowhere."""

"""Variants of a text as people write it: casing, accents, typos, lost punctuation, emoji.

How an emoji colours a text is learnt from here: items of emoji alone or beside a word, and emoji put to
texts of known sentiment. Nothing at inference looks an emoji up.
"""

import random
import unicodedata
from dataclasses import replace

from models.normalise import normalise
from models.training.data import Example
from schemas.labels import Intent, Sentiment

NEGATIVE = tuple(
    "😡🤬🤮👎😠🤢😤💩😞😢😭😒🙄😑💔😩😫😣😖🖕😾👿😔😕☹🙁😟😰😨😪🥱😓🤦🤡🐍🐀🗑🚫❌🙅😷☠🤥😶🤕🫤😬"
)
POSITIVE = tuple(
    "😍👍❤🥰😊😁😃😄😀🎉👏🙌💪🔥😘🤩💕💖💗💙💚💛💜🧡✨🙏👌😋🤗🥳💯😎🏆🌟⭐💐🌹😻🫶🤍"
    "🖤🤎🩷🩵😇☺🙂💘💞💓🥹💫🤌🍾🎊✅🤝😌🤤"
)
NEUTRAL = tuple("🤔👀📍📅📦🕐📱💻🚗🏠📷🎥👋🙋💬📩👇👉➡🧐🤷☕🍕🌧✈🐶🐱⚽🎵🛒📌ℹ")
_STRONG = {
    Sentiment.NEGATIVE: tuple("😡🤬🤮👎😠🤢😤💩💔😒🙄"),
    Sentiment.POSITIVE: tuple("😍👍❤🥰😊👏🤩🎉💕🙌"),
}
_SIGNS = {Sentiment.NEGATIVE: NEGATIVE, Sentiment.POSITIVE: POSITIVE, Sentiment.NEUTRAL: NEUTRAL}
_COMPANY = (
    "@user", "@user @user", "ok", "hoy", "vale", "bueno", "pues", "aquí", "esto", "mañana",
    "la tienda", "el pedido", "el envío", "jajaja", "y ya", "hola", "gente", "señores", "hoje",
    "a loja", "o pedido", "então", "isso", "kkkk", "gente do céu", "olá", "aqui", "amanhã",
    "aujourd'hui", "la commande", "le magasin", "voilà", "bon", "bonjour", "mdr", "ça", "heute",
    "der laden", "die bestellung", "genau", "hallo", "das", "so", "naja", "oggi", "il negozio",
    "l'ordine", "allora", "ciao", "questo", "beh", "today", "the store", "my order", "this", "well",
    "hello", "so", "again", "lol", "http", "the app", "la app", "die app", "o app", "l'app",
    "le service", "el servicio", "o serviço", "il servizio", "der service", "the service", "prezzo",
    "precio", "preço", "prix", "preis", "price",
)  # fmt: skip
_ALONE = {
    Sentiment.NEGATIVE: Intent.COMPLAINT,
    Sentiment.POSITIVE: Intent.COMPLIMENT,
    Sentiment.NEUTRAL: Intent.OTHER,
}
_NEIGHBOURS = "qwertyuiop asdfghjkl zxcvbnm"


def emoji_items(rng: random.Random, company: int = 4) -> list[Example]:
    """Every listed emoji alone, repeated, with its like, and `company` times beside a neutral word."""
    found = []
    for mood, signs in _SIGNS.items():
        for sign in signs:
            texts = [sign, sign * 2, sign * 3, sign + rng.choice(signs), f"{sign} {rng.choice(signs)} {sign}"]
            texts.append(f"@user {sign}")
            plain = mood is Sentiment.NEUTRAL or sign in _STRONG[mood]
            items = [(t, _ALONE[mood] if plain else None) for t in texts]
            beside = [_beside(rng.choice(_COMPANY), sign * rng.randint(1, 3), rng) for _ in range(company)]
            items += [(t, None) for t in beside]
            found += [Example(normalise(t), "emoji", "", mood, intent) for t, intent in items]
    return found


def _beside(text: str, signs: str, rng: random.Random) -> str:
    gap = rng.choice(("", " ", " "))
    return f"{text}{gap}{signs}" if rng.random() < 0.8 else f"{signs}{gap}{text}"


def vary(example: Example, rng: random.Random) -> Example:
    """A random variant of `example`, about half the time the text as it is.

    An emoji is put to a fifteenth of the texts: one of the text's own mood, or a strong one to a neutral
    text, which then takes the emoji's mood.
    """
    text, mood = example.text, example.sentiment
    if mood is not None and rng.random() < 0.07:
        wanted = mood
        if mood is Sentiment.NEUTRAL:
            wanted = rng.choice((Sentiment.NEGATIVE, Sentiment.POSITIVE))
        elif mood is Sentiment.POSITIVE and rng.random() < 0.25:
            wanted = Sentiment.NEGATIVE
        signs = _STRONG[wanted] if wanted is not mood or rng.random() < 0.5 else _SIGNS[wanted]
        text, mood = _beside(text, rng.choice(signs) * rng.choice((1, 1, 2, 3)), rng), wanted
    draw = rng.random()
    if draw < 0.14:
        text = text.lower()
    elif draw < 0.17:
        text = text.upper().replace("@USER", "@user").replace("HTTP", "http")
    if rng.random() < 0.12:
        text = strip_accents(text)
    if rng.random() < 0.10:
        text = (
            text.translate(str.maketrans("", "", "¿¡.,;:'\"")) if rng.random() < 0.5 else text.rstrip("?!. ")
        )
    if rng.random() < 0.10:
        text = typo(text, rng)
    return replace(example, text=normalise(text) or example.text, sentiment=mood)


def strip_accents(text: str) -> str:
    """Without accents, as typed in haste; other scripts stay as they are."""
    if not any("\u00c0" <= character <= "\u017f" for character in text):
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if not "\u0300" <= c <= "\u036f")


def typo(text: str, rng: random.Random) -> str:
    """One to three slips: a letter doubled, dropped, swapped with the next or hit beside."""
    characters = list(text)
    for _ in range(rng.randint(1, 3)):
        places = [i for i, c in enumerate(characters[:-1]) if c.isalpha()]
        if not places:
            return text
        i = rng.choice(places)
        kind = rng.randrange(4)
        if kind == 0:
            characters[i] *= 2
        elif kind == 1:
            characters[i] = ""
        elif kind == 2:
            characters[i], characters[i + 1] = characters[i + 1], characters[i]
        elif (at := _NEIGHBOURS.find(characters[i].lower())) >= 0:
            characters[i] = _NEIGHBOURS[max(0, at - 1)].strip() or characters[i]
        characters = list("".join(characters))
    return "".join(characters)

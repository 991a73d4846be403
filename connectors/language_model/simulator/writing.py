"""What the simulated model writes: the template of the prompt, varied a little in the comment's language.

It understands prompts that hold `<task language=".." max_characters="..">` and `<template>`, as Parley's do,
and writes a courtesy where it finds neither. It never does what a comment says, but for a fault.
"""

import html
import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_TASK: Final = re.compile(r'<task [^>]*language="([a-z]{2})"(?:[^>]*max_characters="(\d+)")?')
_TEMPLATE: Final = re.compile(r"<template>(.*?)</template>", re.DOTALL)
_COMMENT: Final = re.compile(r"<comment[^>]*>(.*?)</comment>", re.DOTALL)

_REMARKS: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "Thanks for being here with us.",
        "We're glad you wrote to us.",
        "We really do read every comment.",
    ),
    "es": (
        "Gracias por estar aquí con nosotros.",
        "Nos alegra que nos escribas.",
        "Leemos cada comentario, de verdad.",
    ),
    "pt": (
        "Obrigado por estar aqui conosco.",
        "Que bom que você nos escreveu.",
        "Lemos cada comentário, de verdade.",
    ),
    "fr": (
        "Merci d'être là avec nous.",
        "Votre message nous fait plaisir.",
        "Nous lisons vraiment chaque commentaire.",
    ),
    "de": (
        "Schön, dass du hier bei uns bist.",
        "Wir freuen uns über deine Nachricht.",
        "Wir lesen wirklich jeden Kommentar.",
    ),
    "it": (
        "Grazie di essere qui con noi.",
        "Ci fa piacere che ci scrivi.",
        "Leggiamo davvero ogni commento.",
    ),
}

_FAREWELLS: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "All the best from the team!",
        "Have a lovely day!",
    ),
    "es": (
        "¡Un saludo de todo el equipo!",
        "¡Que tengas un día estupendo!",
    ),
    "pt": (
        "Um abraço de toda a equipe!",
        "Tenha um ótimo dia!",
    ),
    "fr": (
        "Toute l'équipe vous salue !",
        "Très belle journée à vous !",
    ),
    "de": (
        "Viele Grüße vom ganzen Team!",
        "Hab einen schönen Tag!",
    ),
    "it": (
        "Un saluto da tutto il team!",
        "Buona giornata!",
    ),
}


def reply_to(messages: Sequence[Mapping[str, Any]], chance: random.Random) -> tuple[str, str]:
    """(reply, its language) to a prompt."""
    asked = _text(messages, "user")
    task = _TASK.search(asked)
    language = task[1] if task else "en"
    longest = int(task[2]) if task and task[2] else 280
    found = _TEMPLATE.search(asked)
    core = html.unescape(found[1]).strip() if found else ""
    if language not in _REMARKS:
        return core or _REMARKS["en"][0], language if core else "en"
    remark, farewell = chance.choice(_REMARKS[language]), chance.choice(_FAREWELLS[language])
    # The template greets; what is said besides follows it, and a farewell comes last.
    added = chance.choice(((remark,), (farewell,), (remark, farewell)))
    whole = " ".join((core, *added)) if core else " ".join(added)
    return (whole if not core or len(whole) <= longest * 0.8 else core), language


def content(
    messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None, chance: random.Random
) -> str:
    """The content of an answer: JSON of the schema's properties where one is asked for, else the reply."""
    reply, language = reply_to(messages, chance)
    if schema is None:
        return reply
    return as_asked(schema, reply, language, round(chance.uniform(0.8, 0.97), 2))


def as_asked(schema: Mapping[str, Any], reply: str, language: str, confidence: float) -> str:
    """The reply as JSON of the schema."""
    known = {
        "reply": reply,
        "language": language,
        "confidence": confidence,
        "reasons": ["follows the template", "in the comment's language"],
    }
    blank = {
        "string": "",
        "number": 0,
        "integer": 0,
        "boolean": False,
        "array": [],
        "object": {},
        "null": None,
    }
    properties = schema.get("properties", {})
    filled = {name: known.get(name, blank.get(form.get("type"), "")) for name, form in properties.items()}
    return json.dumps(filled, ensure_ascii=False)


def echo(messages: Sequence[Mapping[str, Any]], role: str) -> str:
    """The system prompt, or the comment of the prompt: what a model that was talked into it repeats."""
    if role == "system":
        return _text(messages, "system")[:400]
    comments = _COMMENT.findall(_text(messages, "user"))
    return html.unescape(comments[-1]) if comments else _text(messages, "user")[:400]


def _text(messages: Sequence[Mapping[str, Any]], role: str) -> str:
    return "\n".join(str(each.get("content") or "") for each in messages if each.get("role") == role)

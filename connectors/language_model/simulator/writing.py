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

_COURTESIES: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "Thanks for being here with us.",
        "All the best from the team!",
        "We're glad you wrote to us.",
        "Have a lovely day!",
        "We really do read every comment.",
    ),
    "es": (
        "Gracias por estar aquí con nosotros.",
        "¡Un saludo de todo el equipo!",
        "Nos alegra que nos escribas.",
        "¡Que tengas un día estupendo!",
        "Leemos cada comentario, de verdad.",
    ),
    "pt": (
        "Obrigado por estar aqui conosco.",
        "Um abraço de toda a equipe!",
        "Que bom que você nos escreveu.",
        "Tenha um ótimo dia!",
        "Lemos cada comentário, de verdade.",
    ),
    "fr": (
        "Merci d'être là avec nous.",
        "Toute l'équipe vous salue !",
        "Votre message nous fait plaisir.",
        "Très belle journée à vous !",
        "Nous lisons vraiment chaque commentaire.",
    ),
    "de": (
        "Schön, dass du hier bei uns bist.",
        "Viele Grüße vom ganzen Team!",
        "Wir freuen uns über deine Nachricht.",
        "Hab einen schönen Tag!",
        "Wir lesen wirklich jeden Kommentar.",
    ),
    "it": (
        "Grazie di essere qui con noi.",
        "Un saluto da tutto il team!",
        "Ci fa piacere che ci scrivi.",
        "Buona giornata!",
        "Leggiamo davvero ogni commento.",
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
    courtesies = _COURTESIES.get(language)
    if courtesies is None:
        return core or _COURTESIES["en"][0], language if core else "en"
    courtesy = chance.choice(courtesies)
    if not core:
        return courtesy, language
    whole = f"{courtesy} {core}" if chance.random() < 0.3 else f"{core} {courtesy}"
    return (whole if len(whole) <= longest * 0.8 else core), language


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

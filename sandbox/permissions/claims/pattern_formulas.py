"""Patterns of policy documents as formulas over strings.

The solver decides equality and prefixes faster than regular expressions, so a pattern becomes the
simplest formula that means the same.
"""

import re
from functools import reduce
from typing import Final

from cvc5 import Kind, Term, TermManager

from sandbox.core.errors import SandboxError

ARN_PARTS: Final = 6
VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
"""A policy variable: `${aws:userid}`."""


class UnsupportedError(SandboxError):
    """A document uses what the encoding does not know; a proof about it would be a guess."""


class Patterns:
    """Formulas that hold for the strings that a pattern matches."""

    def __init__(self, terms: TermManager) -> None:
        self._terms = terms
        self._any_text = terms.mkTerm(Kind.REGEXP_STAR, terms.mkRegexpAllchar())
        colon = terms.mkTerm(Kind.STRING_TO_REGEXP, terms.mkString(":"))
        self._no_colon = terms.mkTerm(Kind.REGEXP_DIFF, terms.mkRegexpAllchar(), colon)

    def text(self, value: str) -> Term:
        """The constant *value*."""
        return self._terms.mkString(value, useEscSequences=False)

    def equal(self, given: Term, value: str) -> Term:
        return self._terms.mkTerm(Kind.EQUAL, given, self.text(value))

    def ignoring_case(self, given: Term, value: str) -> Term:
        lower = self._terms.mkTerm(Kind.STRING_TO_LOWER, given)
        return self.equal(lower, value.lower())

    def glob(self, given: Term, pattern: str) -> Term:
        """IAM's wildcards: a star for any text, a question mark for one character."""
        terms = self._terms
        if not re.search(r"[*?]", pattern):
            return self.equal(given, pattern)
        if pattern == "*":
            return terms.mkTrue()
        head, star, tail = pattern.partition("*")
        if star and not tail and "?" not in head:
            return terms.mkTerm(Kind.STRING_PREFIX, self.text(head), given)
        if star and not head and not re.search(r"[*?]", tail):
            return terms.mkTerm(Kind.STRING_SUFFIX, self.text(tail), given)
        regex = self._regex(pattern, self._terms.mkRegexpAllchar(), self._any_text)
        return terms.mkTerm(Kind.STRING_IN_REGEXP, given, regex)

    def glob_with_variable(self, given: Term, pattern: str, name: str, value: Term) -> Term:
        """Match a pattern with the policy variable *name*, which stands for *value*.

        Raises:
            UnsupportedError: there are wildcards other than one star before the variable, and one
                at the end.
        """
        terms = self._terms
        open_end = pattern.endswith("*")
        before, after = pattern.removesuffix("*").split(f"${{{name}}}", 1)
        head, star, middle = before.partition("*")
        if VARIABLE.search(after) or re.search(r"[*?]", head + middle + after):
            raise UnsupportedError(
                f"{pattern}: has more wildcards than the proof can express; use one policy "
                "variable, with one star before it and one at the end"
            )
        if not star:
            whole = terms.mkTerm(Kind.STRING_CONCAT, self.text(head), value, self.text(after))
            return terms.mkTerm(Kind.STRING_PREFIX if open_end else Kind.EQUAL, whole, given)
        rest = terms.mkTerm(
            Kind.STRING_SUBSTR,
            given,
            terms.mkInteger(len(head)),
            terms.mkTerm(Kind.STRING_LENGTH, given),
        )
        inner = terms.mkTerm(Kind.STRING_CONCAT, self.text(middle), value, self.text(after))
        within = (
            terms.mkTerm(Kind.STRING_CONTAINS, rest, inner)
            if open_end
            else terms.mkTerm(Kind.STRING_SUFFIX, inner, rest)
        )
        return terms.mkTerm(
            Kind.AND, terms.mkTerm(Kind.STRING_PREFIX, self.text(head), given), within
        )

    def arn(self, given: Term, pattern: str) -> Term:
        """An ARN in one string; a star matches no colon, except in the last part."""
        if pattern == "*":
            return self._terms.mkTrue()
        if not re.search(r"[*?]", pattern):
            return self.equal(given, pattern)
        *first, last = arn_parts(pattern)
        no_colons = self._terms.mkTerm(Kind.REGEXP_STAR, self._no_colon)
        pieces = [self._regex(f"{part}:", self._no_colon, no_colons) for part in first]
        pieces.append(self._regex(last, self._terms.mkRegexpAllchar(), self._any_text))
        regex = self._terms.mkTerm(Kind.REGEXP_CONCAT, *pieces)
        return self._terms.mkTerm(Kind.STRING_IN_REGEXP, given, regex)

    def _regex(self, pattern: str, any_character: Term, any_text: Term) -> Term:
        """*pattern* as a regular expression: `?` is *any_character*, `*` is *any_text*."""
        terms = self._terms
        pieces = [
            {"*": any_text, "?": any_character}[piece]
            if piece in {"*", "?"}
            else terms.mkTerm(Kind.STRING_TO_REGEXP, self.text(piece))
            for piece in re.split(r"([*?])", pattern)
            if piece
        ]
        if not pieces:
            return terms.mkTerm(Kind.STRING_TO_REGEXP, self.text(""))
        return reduce(lambda left, right: terms.mkTerm(Kind.REGEXP_CONCAT, left, right), pieces)


def arn_parts(pattern: str) -> list[str]:
    """The six parts of an ARN or of a pattern of ARNs.

    Raises:
        UnsupportedError: there are fewer.
    """
    parts = pattern.split(":", ARN_PARTS - 1)
    if len(parts) != ARN_PARTS:
        raise UnsupportedError(f"{pattern}: is not an ARN; write all six parts")
    return parts

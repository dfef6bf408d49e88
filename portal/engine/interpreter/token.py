"""Branch paths: `start/3_1` is branch 1 of the split task number 3.

A path does not grow without end: beyond `LENGTH` it goes on in a new piece, and the pieces before are found through
the split tasks that the later ones began with. `start/~5.260.194/321_2` is in the piece number 5; 260 and 194 are the
splits that the pieces 4 and 0 began with: the piece before, and every number that is left when the lowest bits of 4 are
cleared one after the other. So a path of n pieces names no more than log n of them, and who looks for a split in one
of those that are not named halves the distance with each step.
"""

from __future__ import annotations

from bisect import bisect_left

ROOT = "start"
#: a path with more characters than this goes on in a new piece
LENGTH = 150
_EARLIER = "~"


def branch(token: str, split: int, number: int) -> str:
    if len(token) > LENGTH:
        token = _new_piece(token)
    return f"{token}/{split}_{number}"


def splits(token: str) -> list[int]:
    """The numbers of the split tasks that it has passed, outermost first; of a long path those of its last piece."""
    return [int(part.partition("_")[0]) for part in _parts(token)]


def scope(token: str, depth: int) -> str:
    """The common part of the branches of one split: `start/3`, for the split at this depth (0 is the outermost)."""
    parts = token.split("/")
    depth += len(parts) - len(_parts(token))
    return "/".join([*parts[:depth], parts[depth].partition("_")[0]])


def part(token: str, depth: int) -> str:
    """The branch of the split at this depth (0 is the outermost) that a token is on: `start/3_1`."""
    parts = token.split("/")
    return "/".join(parts[: depth + len(parts) - len(_parts(token)) + 1])


def is_on(token: str, branch: str) -> bool:
    """Whether a token is on a branch, or on one of its branches."""
    return token == branch or token.startswith(f"{branch}/")


def scope_below(token: str, split: int) -> str:
    """The scope of a split's own branches."""
    return branch(token, split, 1).rpartition("_")[0]


def split_of(scope: str) -> int:
    """The number of the split task whose branches these are."""
    return int(scope.rpartition("/")[2])


def owner(scope: str) -> str | None:
    """The token of the split itself; None where only its task tells it, because its branches began a new piece."""
    found = scope.rpartition("/")[0]
    return None if found.rpartition("/")[2].startswith(_EARLIER) else found


def within(token: str, scope: str) -> bool:
    """Whether a token shows itself that it is on a branch of this scope; a long one may hide it, see `passes`."""
    return token.startswith(f"{scope}_")


def depth(token: str) -> tuple[int, int]:
    """Of two tokens of one branch the deeper one has more."""
    return _earlier(token)[0], token.count("/")


def is_long(token: str) -> bool:
    """Whether there are pieces before the one that it names."""
    return token.startswith(LONG)


#: what the tokens with more than one piece begin with
LONG = f"{ROOT}/{_EARLIER}"


def passes(token: str, split: int) -> bool | int:
    """Whether a token has passed a split, or else the number of the split task whose own token knows more."""
    numbers = splits(token)
    if split in numbers:
        return True
    if not is_long(token) or split > numbers[0]:
        return False
    firsts = sorted([*_earlier(token)[1].values(), numbers[0]])
    if split in firsts:
        return True
    after = bisect_left(firsts, split)
    return firsts[after] if after else False


def _parts(token: str) -> list[str]:
    parts = token.split("/")[1:]
    return parts[1:] if parts and parts[0].startswith(_EARLIER) else parts


def _earlier(token: str) -> tuple[int, dict[int, int]]:
    """The number of the piece, and the split tasks that earlier ones began with, by the numbers of those."""
    if not is_long(token):
        return 0, {}
    piece, *firsts = map(int, token.split("/")[1].removeprefix(_EARLIER).split("."))
    return piece, dict(zip(_kept(piece - 1), firsts, strict=True))


def _kept(piece: int) -> list[int]:
    """A piece and the ones of which the pieces after it keep the first splits, too."""
    kept = [piece]
    while piece:
        piece &= piece - 1
        kept.append(piece)
    return kept


def _new_piece(token: str) -> str:
    piece, firsts = _earlier(token)
    firsts[piece] = splits(token)[0]
    return LONG + ".".join(str(each) for each in (piece + 1, *(firsts[kept] for kept in _kept(piece))))

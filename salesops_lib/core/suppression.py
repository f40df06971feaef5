"""Which groups are too small to show, and which more must go so that none is worked out from a total."""

from __future__ import annotations

from collections.abc import Hashable, Mapping


def withheld_groups(sizes: Mapping[Hashable, int], smallest: int) -> set[Hashable]:
    """The groups of one total that may not be shown.

    A group of fewer than ``smallest`` people is withheld. A reader who knows the total and the groups shown
    knows the sum of those withheld; so the next smallest groups go too, until at least two groups with at
    least ``smallest`` people between them are withheld, or none is left to show.

    Parameters
    ----------
    sizes
        People by group; a group of nobody is neither shown nor withheld.
    smallest
        Fewest people in a group that may be shown, at least 1.

    Source: playbooks/how-to/analytics/share-reports-by-audience.md.
    """
    if smallest < 1:
        raise ValueError(f"smallest is {smallest}; a group has at least one person")
    held = {group: size for group, size in sizes.items() if size > 0}
    gone = {group for group, size in held.items() if size < smallest}
    if not gone:
        return gone
    for group in sorted(held.keys() - gone, key=lambda g: (held[g], str(g))):
        if len(gone) > 1 and sum(held[g] for g in gone) >= smallest:
            break
        gone.add(group)
    return gone

"""Pages dressed at random, beside the rules written down one by one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from matinee.observe.catalogue.artwork import Artworks
from matinee.observe.catalogue.clearance_watch import Standing
from matinee.observe.decisions import Slot
from matinee.platform.abilities import ArtworkChoices
from matinee.platform.dressing import Pictures, dress, to_choose

TITLES = [f"t{i}" for i in range(8)]
EPISODES = {f"e{i}": f"t{i % 4}" for i in range(6)} | {"t7": "t1"}
AT = 50


def _images(rng: random.Random) -> Artworks:
    rows = []
    for title in TITLES:
        for i in range(rng.randrange(0, 4)):
            rows.append(
                {"artwork_id": f"{title}-{i}", "title_id": title, "file": f"{title}-{i}.svg"}
                | {"aspect": "2:3", "approved_by": "ada", "approved_us": rng.choice([5, 10, 20])}
                | {"withdrawn_us": rng.choice([None, None, None, 30])}
                | {"territories": rng.choice([[], [], ["NL"], ["BE", "NL"]])}
                | {"end_us": rng.choice([None, None, None, 40])}
            )
    return Artworks.from_rows(rows)


def _expected(
    slots: Sequence[Slot],
    titles: Sequence[str],
    choices: ArtworkChoices | None,
    art: Artworks,
    territory: str | None,
    above: Sequence[Slot],
) -> tuple[list[tuple[str | None, float | None, int | None]], int]:
    """Each tile by itself: what stands above, else what was chosen and is cleared, else the default one."""
    cleared = {str(one) for one, yes in zip(art.artwork_ids, art.cleared(AT, territory), strict=True) if yes}
    of = dict(zip(art.artwork_ids.tolist(), art.title_ids.tolist(), strict=True))
    with_images = set(of.values())

    def owner(title: str) -> str:
        series = EPISODES.get(title)
        return series if title not in with_images and series in with_images else title

    def default(title: str | None) -> str | None:
        own = [i for i, one in enumerate(art.title_ids) if one == title]
        own.sort(key=lambda i: (art.clearances.approved_us[i], i))
        return next((str(art.artwork_ids[i]) for i in own if art.artwork_ids[i] in cleared), None)

    good, replaced = {}, 0
    for title, image, p, n in (
        [] if choices is None else zip(titles, choices.artwork_id, choices.propensity, choices.n, strict=True)
    ):
        if image is not None and (image not in cleared or of[image] != owner(title)):
            replaced += 1
        elif image is not None:
            good.setdefault(owner(title), (image, p, n))
    for slot in above:
        if slot.artwork_id is not None:
            keeps = slot.artwork_id in cleared
            good[owner(slot.action)] = (slot.artwork_id if keeps else default(owner(slot.action)), 1.0, 1)
    shown, seen = [], set()
    for slot in slots:
        title = owner(slot.action)
        image, p, n = good.get(title, (None, 1.0, 1))
        if image is None:
            other = default(slot.action) or default(EPISODES.get(slot.action))
            shown.append((other, 1.0, 1) if other else (None, None, None))
        else:
            shown.append((image, 1.0 if title in seen else p, n))
            seen.add(title)
    return shown, replaced


def test_every_tile_has_the_image_that_the_rules_give_it() -> None:
    rng = random.Random(7)
    actions = [*TITLES, *EPISODES, "unknown"]
    as_chosen = 0
    for _ in range(800):
        art = _images(rng)
        ids = art.artwork_ids.tolist()
        pictures = Pictures.of(art, series_of=EPISODES)
        standing = Standing(1, {one: i for i, one in enumerate(ids)}, art.clearances, frozenset())
        tame = rng.random() < 0.5  # nothing twice, and mostly images of the title: what a page usually is
        shown = rng.sample(TITLES, rng.randrange(1, 6)) if tame else rng.choices(actions, k=11)
        slots = [Slot(title, 0.5, 1, col, "popular", "why", 9) for col, title in enumerate(shown, 1)]
        above = [
            Slot(title, 1.0, artwork_id=rng.choice(own))
            for title in rng.sample(TITLES, 2)
            if (own := [one for one in ids if one.startswith(title)])
        ]
        above = rng.choice([[], above])
        territory = rng.choice([None, "BE", "NL", "FR"])
        titles = to_choose(slots, above, rng.choice([None, pictures]))
        some = [rng.choice([None, *ids]) if ids else None for _ in titles]
        if tame and rng.random() < 0.8:
            may = [one for one, yes in zip(ids, art.cleared(AT, territory), strict=True) if yes]
            own = [[one for one in may if one.startswith(f"{title}-")] for title in titles]
            some = [rng.choice(found) if found else None for found in own]
        chosen = ArtworkChoices("p", some, [0.3] * len(some), [3] * len(some), [None] * len(some))
        choices = rng.choice([None, chosen])
        found = dress(slots, titles, choices, pictures, standing, at_us=AT, territory=territory, above=above)
        out = [(slot.artwork_id, slot.artwork_propensity, slot.artwork_n) for slot in found.slots]
        assert (out, found.replaced) == _expected(slots, titles, choices, art, territory, above)
        plain = [(s.action, s.propensity, s.row, s.col, s.row_kind, s.reason, s.n_permitted) for s in slots]
        assert plain == [
            (s.action, s.propensity, s.row, s.col, s.row_kind, s.reason, s.n_permitted) for s in found.slots
        ]
        as_chosen += choices is not None and not above and [slot.artwork_id for slot in found.slots] == some
    assert as_chosen > 40
